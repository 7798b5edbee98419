// SPDX-License-Identifier: Apache-2.0
// Wrong in CONNECT, apart from its texts and properties.
import { levels } from './contents.ts';
import { connect, data, packet, section, text } from './packet.ts';
import type { Row } from './row.ts';

/** Before: the CONNECT is refused. On an open connection it is the second one, whatever is in it. */
function wrongConnect(wrong: string, v5: string | undefined, v4?: string, code = '81', code4?: string): Row {
  return {
    wrong,
    open5: 'disconnect 82',
    first5: code === '' ? 'closed' : `connack ${code}`,
    ...(v5 === undefined ? {} : { v5 }),
    ...(v4 === undefined ? {} : { v4 }),
    ...(code4 === undefined ? {} : { first4: `connack ${code4}` }),
  };
}

const will5 = (topic: string, properties = ''): string => section(properties) + topic + data('00');
const will4 = (topic: string): string => topic + data('00');
const both = (flags: string, rest5: string, rest4 = rest5): [string, string] => [
  connect(5, { flags, rest: rest5 }),
  connect(4, { flags, rest: rest4 }),
];
const named = (name: string, level: string, clientId = text('bad')): string =>
  packet('10', text(name), level, '02 0000', Number.parseInt(level, 16) === 5 ? '00' : '', clientId);

export const wrongConnects: readonly Row[] = [
  wrongConnect(
    '[MQTT-3.1.2-1] [MQTT3-3.1.2-1] another protocol',
    named('HTTP', '05'),
    named('HTTP', '04'),
    '',
  ),
  wrongConnect(
    '[MQTT-3.1.2-1] [MQTT3-3.1.2-1] its name in small letters',
    named('mqtt', '05'),
    named('mqtt', '04'),
    '',
  ),
  wrongConnect('[MQTT-3.1.2-1] [MQTT3-3.1.2-1] no name', named('', '05'), named('', '04'), ''),
  wrongConnect('[MQTT-3.1.2-2] a later version', named('MQTT', '06'), undefined, '84'),
  wrongConnect('[MQTT-3.1.2-2] the last version there could be', named('MQTT', 'ff'), undefined, '84'),
  wrongConnect('[MQTT3-3.1.2-2] MQTT 3.1', undefined, named('MQIsdp', '03'), '', '01'),
  wrongConnect('[MQTT3-3.1.2-2] level 3 of MQTT', undefined, named('MQTT', '03'), '', '01'),
  wrongConnect('[MQTT3-3.1.2-2] level 0', undefined, named('MQTT', '00'), '', '01'),
  wrongConnect('[MQTT-3.1.2-2] 5.0 as a bridge of Mosquitto has it', named('MQTT', '85'), undefined, '84'),
  wrongConnect(
    '[MQTT3-3.1.2-2] 3.1.1 as a bridge of Mosquitto has it',
    undefined,
    named('MQTT', '84'),
    '',
    '01',
  ),
  wrongConnect('[MQTT-3.1.2-3] [MQTT3-3.1.2-3] the reserved flag', ...both('03', '')),
  wrongConnect(
    '[MQTT-3.1.2-11] [MQTT3-3.1.2-11] [MQTT3-3.1.2-13] Will QoS 1 without a Will',
    ...both('0a', ''),
  ),
  wrongConnect('[MQTT-3.1.2-11] [MQTT3-3.1.2-13] Will QoS 2 without a Will', ...both('12', '')),
  wrongConnect('[MQTT-3.1.2-13] [MQTT3-3.1.2-15] Will Retain without a Will', ...both('22', '')),
  wrongConnect(
    '[MQTT-3.1.2-12] [MQTT3-3.1.2-14] Will QoS 3',
    ...both('1e', will5(text('w')), will4(text('w'))),
  ),
  wrongConnect('[MQTT-3.1.2-9] [MQTT3-3.1.2-9] a Will flag and no Will', ...both('06', '')),
  wrongConnect('[MQTT-3.1.2-9] a Will without its payload', ...both('06', `00${text('w')}`, text('w'))),
  wrongConnect(
    'a Will whose payload ends behind the packet',
    ...both('06', `00${text('w')}0005ff`, `${text('w')}0005ff`),
  ),
  wrongConnect('a Will without the Will flag', ...both('02', will5(text('w')), will4(text('w')))),
  wrongConnect(
    '[MQTT-4.7.3-1] [MQTT3-4.7.3-1] an empty Will topic',
    ...both('06', will5(text('')), will4(text(''))),
  ),
  wrongConnect(
    '[MQTT-4.7.0-1] [MQTT3-4.7.1-1] a wildcard in the Will topic',
    ...both('06', will5(text('w/#')), will4(text('w/#'))),
  ),
  wrongConnect(
    'a wildcard in the response topic of a Will',
    connect(5, { flags: '06', rest: will5(text('w'), `08${text('+')}`) }),
  ),
  wrongConnect(
    'a Will topic of too many levels for this server',
    ...both('06', will5(levels(33)), will4(levels(33))),
    '90',
  ),
  wrongConnect(
    'a Will topic that the client may not publish to',
    ...both('06', will5(text('secret/w')), will4(text('secret/w'))),
    '87',
    '05',
  ),
  wrongConnect(
    'a Will that is called text and is none',
    connect(5, { flags: '06', rest: section('0101') + text('w') + data('ff') }),
    undefined,
    '99',
  ),
  wrongConnect('[MQTT-3.1.2-17] [MQTT3-3.1.2-19] a user name flag and no user name', ...both('82', '')),
  wrongConnect('[MQTT-3.1.2-16] [MQTT3-3.1.2-18] a user name without its flag', ...both('02', text('u'))),
  wrongConnect('[MQTT-3.1.2-19] [MQTT3-3.1.2-21] a password flag and no password', ...both('c2', text('u'))),
  wrongConnect(
    '[MQTT-3.1.2-18] [MQTT3-3.1.2-20] a password without its flag',
    ...both('82', text('u') + data('00')),
  ),
  wrongConnect(
    '[MQTT3-3.1.2-22] a password and no user name',
    undefined,
    connect(4, { flags: '42', rest: data('00') }),
  ),
  wrongConnect('[MQTT-3.1.4-2] a wrong password', ...both('c2', text('mallory') + data('00')), '86', '04'),
  wrongConnect(
    '[MQTT-3.1.3-3] [MQTT3-3.1.3-3] no client identifier at all',
    connect(5, { clientId: '' }),
    connect(4, { clientId: '' }),
  ),
  wrongConnect(
    '[MQTT3-3.1.3-8] an empty client identifier that wants a session',
    undefined,
    connect(4, { flags: '00', clientId: text('') }),
    '',
    '02',
  ),
  wrongConnect(
    '[MQTT-3.1.3-8] [MQTT3-3.1.3-9] a client identifier that is too long for this server',
    connect(5, { clientId: text('x'.repeat(257)) }),
    connect(4, { clientId: text('x'.repeat(257)) }),
    '85',
    '02',
  ),
  wrongConnect(
    '[MQTT-4.12.0-1] a method that is not known here',
    connect(5, { properties: section(`15${text('OTHER')}`) }),
    undefined,
    '8c',
  ),
  wrongConnect('bytes behind the client identifier', ...both('02', '00')),
  wrongConnect('it ends in its properties', packet('10', text('MQTT'), '05 02 0000', '05 21')),
  wrongConnect('its properties end behind it', packet('10', text('MQTT'), '05 02 0000', '7f', text('bad'))),
  wrongConnect(
    '[MQTT-1.5.5-1] its property length not in its shortest form',
    packet('10', text('MQTT'), '05 02 0000', '8000', text('bad')),
  ),
  wrongConnect(
    'it ends in its keep alive',
    packet('10', text('MQTT'), '05 02 00'),
    packet('10', text('MQTT'), '04 02 00'),
  ),
  wrongConnect('it ends before its version', packet('10', text('MQTT')), packet('10', text('MQTT')), ''),
  wrongConnect('nothing in it', '10 00', '10 00', ''),
];
