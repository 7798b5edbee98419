// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { Peer, texts } from '../peer.ts';
import type { RawClient } from '../raw.ts';
import type { Answer } from './row.ts';

// prettier-ignore
const names = [
  '', 'connect', 'connack', 'publish', 'puback', 'pubrec', 'pubrel', 'pubcomp', 'subscribe', 'suback', 'unsubscribe',
  'unsuback', 'pingreq', 'pingresp', 'disconnect', 'auth',
];

function brief(packet: Buffer, version: 4 | 5): Answer {
  const name = names[(packet[0] ?? 0) >> 4] ?? '';
  const codes = [...reasonCodes(packet, name, version)];
  return [name, ...codes.map((code) => code.toString(16).padStart(2, '0'))].join(' ');
}

/** Without properties behind, apart from those of CONNACK and DISCONNECT. */
function reasonCodes(packet: Buffer, name: string, version: 4 | 5): Iterable<number> {
  switch (name) {
    case 'pingresp':
      return [];
    case 'connack':
      return [packet[(packet[1] ?? 0) < 0x80 ? 3 : 4] ?? -1];
    case 'disconnect':
    case 'auth':
      return [packet[2] ?? 0];
    case 'suback':
    case 'unsuback':
      return packet.subarray(version === 5 ? 5 : 4);
    default:
      return [packet[4] ?? 0];
  }
}

function isLast(answer: Answer): boolean {
  return answer === 'closed' || /(^|, )disconnect|^connack (?!00)/.test(answer);
}

/** What came for these bytes. `closed` after another answer would be an answer of its own. */
export async function answerTo(
  client: RawClient,
  hex: string,
  expected: Answer,
  version: 4 | 5,
): Promise<Answer> {
  client.send(hex);
  if (isLast(expected)) {
    const answers = (await client.rest()).map((packet) => brief(Buffer.from(packet, 'hex'), version));
    return answers.length === 0 ? 'closed' : answers.join(', ');
  }
  client.send('c000');
  const answers: Answer[] = [];
  for (;;) {
    const packet = await client.packet();
    if (packet === undefined) return [...answers, 'closed'].join(', ');
    const answer = brief(packet, version);
    const isEnd = answer === 'pingresp' && (answers.length > 0 || expected !== 'pingresp');
    if (isEnd) break;
    answers.push(answer);
  }
  client.destroy();
  return answers.length === 0 ? 'ignored' : answers.join(', ');
}

/** A client that has nothing to do with it: what is returned throws if its connection does not go on. */
export async function bystander(port: number): Promise<() => Promise<void>> {
  const peer = await Peer.connected(port, 5, { clientId: 'bystander' });
  await peer.subscribe([{ filter: 'bystander', qos: 0 }]);
  return async () => {
    peer.publish('bystander', 'x');
    assert.deepEqual(texts(await peer.messages()), ['x']);
  };
}
