// SPDX-License-Identifier: Apache-2.0
// Wrong in the fixed header: flags, type, direction, length.
import { connect, packet } from './packet.ts';
import type { Row } from './row.ts';

const headers: readonly Row[] = [
  { wrong: 'packet type 0, §2.1.2', v5: '00 00', v4: '00 00' },
  { wrong: '[MQTT3-4.8.0-1] AUTH in 3.1.1: type 15 is reserved', v4: 'f0 00' },
  {
    wrong: '[MQTT-1.5.5-1] a length not in its shortest form',
    v5: '30 8400 0001 61 00',
    v4: '30 8300 0001 61',
  },
  { wrong: 'a length of five bytes, §2.1.4', v5: '30 ffffffff7f', v4: '30 ffffffff7f' },
  { wrong: 'a length of five bytes, the last one 0', v5: 'c0 8080808000', v4: 'c0 8080808000' },
  {
    wrong: '[MQTT-3.2.2-15] longer than Maximum Packet Size, refused by its header',
    v5: '30 ffffff7f',
    open5: 'disconnect 95',
    v4: '30 ffffff7f',
  },
  {
    wrong: '[MQTT-3.2.2-15] one byte longer than Maximum Packet Size',
    v5: '30 fdff0f',
    open5: 'disconnect 95',
    v4: '30 fdff0f',
  },
  { wrong: 'a length that is too short for the topic', v5: '30 02 0001 6100', v4: '30 02 0001 61' },
  {
    wrong: 'a length that is too short for the packet identifier',
    v5: '32 04 0001 61 00',
    v4: '32 04 0001 61 00',
  },
  { wrong: 'a length of 0: PUBLISH', v5: '30 00', v4: '30 00' },
  { wrong: 'a length of 0: PUBACK', v5: '40 00', v4: '40 00' },
  { wrong: 'a length of 1: PUBREC', v5: '50 01 00', v4: '50 01 00' },
  { wrong: 'a length of 0: PUBREL', v5: '62 00', v4: '62 00' },
  { wrong: 'a length of 1: PUBCOMP', v5: '70 01 00', v4: '70 01 00' },
  { wrong: 'a length of 0: SUBSCRIBE', v5: '82 00', v4: '82 00' },
  { wrong: 'a length of 0: UNSUBSCRIBE', v5: 'a2 00', v4: 'a2 00' },
  { wrong: 'a SUBSCRIBE that ends in its filter', v5: '82 06 0001 00 0002 61', v4: '82 05 0001 0002 61' },
  { wrong: 'a SUBSCRIBE without options', v5: '82 06 0001 00 0001 61', v4: '82 05 0001 0001 61' },
  { wrong: 'an UNSUBSCRIBE that ends in its filter', v5: 'a2 06 0001 00 0002 61', v4: 'a2 05 0001 0002 61' },
  { wrong: 'PINGREQ with a body', v5: 'c0 01 00', v4: 'c0 01 00' },
  { wrong: 'a byte behind the properties of a PUBACK', v5: '40 05 0001 00 00 00' },
  { wrong: 'a reason code in a PUBACK of 3.1.1', v4: '40 03 0001 00' },
  { wrong: 'a reason code in a PUBREL of 3.1.1', v4: '62 03 0001 00' },
  { wrong: 'a byte behind the properties of a DISCONNECT', v5: 'e0 03 00 00 00' },
  { wrong: 'a reason code in a DISCONNECT of 3.1.1', v4: 'e0 01 00' },
  { wrong: 'an AUTH of one byte, §3.15.2.2.1', v5: 'f0 01 18' },
  { wrong: 'a byte behind the properties of an AUTH', v5: 'f0 03 18 00 00' },
];

/** §2.1.3, table 2-2: the flags that are right, for all but PUBLISH, and a packet that would be right. */
const flagged: readonly [string, string, number, string, string | undefined][] = [
  ['PUBACK', '4', 0, '0001', '0001'],
  ['PUBREC', '5', 0, '0001', '0001'],
  ['[MQTT-3.6.1-1] [MQTT3-3.6.1-1] PUBREL', '6', 2, '0001', '0001'],
  ['PUBCOMP', '7', 0, '0001', '0001'],
  ['[MQTT-3.8.1-1] [MQTT3-3.8.1-1] SUBSCRIBE', '8', 2, '0001 00 0001 61 00', '0001 0001 61 00'],
  ['[MQTT-3.10.1-1] [MQTT3-3.10.1-1] UNSUBSCRIBE', 'a', 2, '0001 00 0001 61', '0001 0001 61'],
  ['PINGREQ', 'c', 0, '', ''],
  ['[MQTT-3.14.1-1] [MQTT3-3.14.1-1] DISCONNECT', 'e', 0, '00 00', ''],
  ['[MQTT-3.15.1-1] AUTH', 'f', 0, '18 00', undefined],
];

const flags: Row[] = flagged.flatMap(([name, type, right, v5, v4]) =>
  Array.from({ length: 16 }, (_, flag) => flag)
    .filter((flag) => flag !== right)
    .map((flag) => {
      const first = type + flag.toString(16);
      return {
        wrong: `[MQTT-2.1.3-1] [MQTT3-2.2.2-1] [MQTT3-2.2.2-2] ${name} with flags ${flag}`,
        v5: packet(first, v5),
        ...(v4 === undefined ? {} : { v4: packet(first, v4) }),
      };
    }),
);

/** The second of two is refused whatever its flags are, the first unheard: it has told no version. */
const connectFlags: Row[] = Array.from({ length: 15 }, (_, flag) => ({
  wrong: `[MQTT-2.1.3-1] [MQTT3-2.2.2-2] CONNECT with flags ${flag + 1}`,
  v5: connect(5, {}).replace(/^10/, `1${(flag + 1).toString(16)}`),
  open5: 'disconnect 82',
  v4: connect(4, {}).replace(/^10/, `1${(flag + 1).toString(16)}`),
}));

/** What only servers send. */
const directions: readonly Row[] = [
  { wrong: 'CONNACK from a client, §2.1.2', v5: '20 03 00 00 00', v4: '20 02 00 00', open5: 'disconnect 82' },
  { wrong: 'SUBACK from a client', v5: '90 04 0001 00 00', v4: '90 03 0001 00', open5: 'disconnect 82' },
  { wrong: 'UNSUBACK from a client', v5: 'b0 04 0001 00 00', v4: 'b0 02 0001', open5: 'disconnect 82' },
  { wrong: 'PINGRESP from a client', v5: 'd0 00', v4: 'd0 00', open5: 'disconnect 82' },
  { wrong: 'CONNACK with flags', v5: '21 03 00 00 00', v4: '21 02 00 00' },
  {
    wrong: '[MQTT-3.1.0-2] [MQTT3-3.1.0-2] a second CONNECT',
    v5: connect(5, {}),
    v4: connect(4, {}),
    // Not a second one.
    first5: 'connack 00',
    first4: 'connack 00',
    open5: 'disconnect 82',
  },
  {
    wrong: '[MQTT-3.1.0-2] the beginning of a second CONNECT without an end in sight',
    v5: '10 ffffff7f',
    v4: '10 ffffff7f',
    open5: 'disconnect 82',
  },
];

export const wrongHeaders: readonly Row[] = [...headers, ...directions];
export const wrongFlags: readonly Row[] = [...flags, ...connectFlags];
