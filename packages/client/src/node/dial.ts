// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { connectTcp, connectTls } from '@sealpost/mqtt/node';
import type { Transport } from '@sealpost/mqtt/link';
import { SealpostError } from '../error.ts';
import type { Profile } from './profile.ts';

export type Via = 'mqtt' | 'mqtts';

/** TLS where the profile has it; plain MQTT only where it has nothing else, or when asked for. */
export async function dialProfile(profile: Profile, via?: Via): Promise<Transport> {
  const { mqtt, mqtts, certFile, keyFile } = profile;
  if (mqtts !== undefined && via !== 'mqtt') {
    const [ca, cert, key] = await Promise.all([mqtts.caFile, certFile, keyFile].map(readOptional));
    return connectTls({
      host: mqtts.host,
      port: mqtts.port,
      tls: {
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined || key === undefined ? {} : { cert, key }),
      },
    });
  }
  if (mqtt === undefined || via === 'mqtts')
    throw new SealpostError({ code: 'unreachable', cause: 'no such listener in profile' });
  return connectTcp({ host: mqtt.host, port: mqtt.port });
}

function readOptional(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? Promise.resolve(undefined) : readFile(file, 'utf8');
}
