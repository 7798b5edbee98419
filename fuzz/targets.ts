// SPDX-License-Identifier: Apache-2.0
import type { Target } from './target.ts';
import { cbor } from './targets/cbor.ts';
import { certificate } from './targets/certificate.ts';
import { client } from './targets/client.ts';
import { config } from './targets/config.ts';
import { evidence } from './targets/evidence.ts';
import { live } from './targets/live.ts';
import { mqttCodec } from './targets/mqtt-codec.ts';
import { operations } from './targets/operations.ts';
import { seal } from './targets/seal.ts';
import { text } from './targets/text.ts';
import { webSocket } from './targets/web-socket.ts';

export const targets: readonly Target[] = [
  mqttCodec,
  cbor,
  seal,
  evidence,
  certificate,
  text,
  config,
  client,
  live,
  webSocket,
  operations,
];
