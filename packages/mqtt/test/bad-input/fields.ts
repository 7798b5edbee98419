// SPDX-License-Identifier: Apache-2.0
// Wrong in a field, in every field of its kind: texts, property sections, reason codes, packet identifiers.
import { connect, data, packet, publish, section, subscribe, text } from './packet.ts';
import type { Row } from './row.ts';

/** Where a text stands in a packet; the text comes with its length. */
interface TextField {
  readonly field: string;
  readonly v5?: (text: string) => string;
  readonly v4?: (text: string) => string;
}

const pair = (name: string, value: string): string => `26${name}${value}`;
const will5 = (properties: string, topic = text('w')): string => properties + topic + data('00');
const connectOf = (properties: string): string => connect(5, { properties });
const willOf = (properties: string): string => connect(5, { flags: '06', rest: will5(properties) });
const publishOf = (properties: string): string => publish('30', text('a'), properties);
const answerOf =
  (first: string, reasonCode = '00') =>
  (properties: string): string =>
    packet(first, '0001', reasonCode, properties);
const subscribeOf = (properties: string): string => subscribe(text('a'), '00', properties);
const unsubscribeOf = (properties: string): string => packet('a2', '0001', properties, text('a'));
const disconnectOf = (properties: string): string => packet('e0', '00', properties);
const authOf = (properties: string): string => packet('f0', '18', properties);

/** §2.2.2.2, table 2-4: what a client may send in which packet. */
// prettier-ignore
const sections: readonly { of: string; make: (properties: string) => string; ids: readonly number[]; connects?: true }[] = [
  { of: 'CONNECT', make: connectOf, ids: [0x11, 0x15, 0x16, 0x17, 0x19, 0x21, 0x22, 0x26, 0x27], connects: true },
  { of: 'a Will', make: willOf, ids: [0x01, 0x02, 0x03, 0x08, 0x09, 0x18, 0x26], connects: true },
  { of: 'PUBLISH', make: publishOf, ids: [0x01, 0x02, 0x03, 0x08, 0x09, 0x0b, 0x23, 0x26] },
  { of: 'PUBACK', make: answerOf('40'), ids: [0x1f, 0x26] },
  { of: 'PUBREC', make: answerOf('50'), ids: [0x1f, 0x26] },
  { of: 'PUBREL', make: answerOf('62'), ids: [0x1f, 0x26] },
  { of: 'PUBCOMP', make: answerOf('70'), ids: [0x1f, 0x26] },
  { of: 'SUBSCRIBE', make: subscribeOf, ids: [0x0b, 0x26] },
  { of: 'UNSUBSCRIBE', make: unsubscribeOf, ids: [0x26] },
  { of: 'DISCONNECT', make: disconnectOf, ids: [0x11, 0x1c, 0x1f, 0x26] },
  { of: 'AUTH', make: authOf, ids: [0x15, 0x16, 0x1f, 0x26] },
];

/** A value that is right, by identifier, of all that there are. */
// prettier-ignore
const values: Readonly<Record<number, string>> = {
  0x01: '01', 0x02: '00000001', 0x03: text('t'), 0x08: text('r'), 0x09: data('00'), 0x0b: '01',
  0x11: '00000000', 0x12: text('c'), 0x13: '0001', 0x15: text('m'), 0x16: data('00'), 0x17: '01',
  0x18: '00000001', 0x19: '01', 0x1a: text('i'), 0x1c: text('s'), 0x1f: text('r'), 0x21: '0001',
  0x22: '0001', 0x23: '0001', 0x24: '01', 0x25: '01', 0x26: text('n') + text('v'), 0x27: '00000400',
  0x28: '01', 0x29: '01', 0x2a: '01',
};

function property(id: number): string {
  return id.toString(16).padStart(2, '0') + (values[id] ?? '00');
}

/** A second CONNECT is refused before its content is looked at. */
function row(wrong: string, v5: string, connects: true | undefined, code: '81' | '82'): Row {
  if (connects === true) return { wrong, v5, first5: `connack ${code}`, open5: 'disconnect 82' };
  return { wrong, v5, open5: `disconnect ${code}` };
}

const unknown = [0x00, 0x04, 0x2b, 0x7f, 0x80];

/** §2.2.2.2: malformed. */
const notAllowed: Row[] = sections.flatMap(({ of, make, ids, connects }) =>
  [...Object.keys(values).map(Number), ...unknown]
    .filter((id) => !ids.includes(id))
    .map((id) => row(`property 0x${id.toString(16)} in ${of}`, make(section(property(id))), connects, '81')),
);

const userProperty = 0x26;
const method = 0x15;
const methodData = 0x16;

/** User properties may be repeated; a subscription identifier is not for a client to send. */
const twice: Row[] = sections.flatMap(({ of, make, ids, connects }) =>
  ids
    .filter((id) => id !== userProperty)
    .map((id) => {
      const once = of === 'CONNECT' && id === methodData ? property(method) : '';
      const properties = once + property(id) + property(id);
      return row(`property 0x${id.toString(16)} twice in ${of}`, make(section(properties)), connects, '82');
    }),
);

/** The section ends within the value. */
const cut: Row[] = sections.flatMap(({ of, make, ids, connects }) =>
  ids.map((id) =>
    row(
      `property 0x${id.toString(16)} in ${of} is cut`,
      make(section(property(id).slice(0, -2))),
      connects,
      '81',
    ),
  ),
);

const lengths: Row[] = sections.flatMap(({ of, make, connects }) => [
  row(`the properties of ${of} end behind it`, make('7f'), connects, '81'),
  row(`[MQTT-1.5.5-1] a property length of ${of} not in its shortest form`, make('8000'), connects, '81'),
  row(`a property length of ${of} of five bytes`, make('ffffffff7f'), connects, '81'),
]);

const invalid: Row[] = (
  [
    ['Receive Maximum 0, §3.1.2.11.3', connectOf(section('210000')), true],
    ['Maximum Packet Size 0, §3.1.2.11.4', connectOf(section('2700000000')), true],
    ['Request Response Information 2, §3.1.2.11.6', connectOf(section('1902')), true],
    ['Request Problem Information 2, §3.1.2.11.7', connectOf(section('1702')), true],
    ['Authentication Data without a method, §3.1.2.11.10', connectOf(section(`16${data('00')}`)), true],
    ['payload format 2 of a Will', willOf(section('0102')), true],
    ['payload format 2, §3.3.2.3.2', publishOf(section('0102'))],
    ['[MQTT-3.3.4-6] subscription identifier from a client', publishOf(section('0b01'))],
    ['subscription identifier 0 in PUBLISH, §3.3.2.3.8', publishOf(section('0b00'))],
    ['subscription identifier 0, §3.8.2.1.2', subscribeOf(section('0b00'))],
  ] as const
).map(([wrong, v5, connects]) => row(wrong, v5, connects, '82'));

export const wrongProperties: readonly Row[] = [
  ...notAllowed,
  ...twice,
  ...cut,
  ...lengths,
  ...invalid,
  {
    wrong: 'a session after all, §3.14.2.2.2',
    v5: disconnectOf(section('1100000005')),
    open5: 'disconnect 82',
    // There is none to be kept yet.
    signingIn: 'closed',
  },
  {
    wrong: 'subscription identifier of five bytes',
    v5: subscribeOf(section('0bffffffff01')),
  },
  {
    wrong: '[MQTT-1.5.5-1] subscription identifier not in its shortest form',
    v5: subscribeOf(section('0b8100')),
  },
];

const textFields: readonly TextField[] = [
  {
    field: '[MQTT-3.1.3-4] [MQTT3-3.1.3-4] the client identifier',
    v5: (id) => connect(5, { clientId: id }),
    v4: (id) => connect(4, { clientId: id }),
  },
  {
    field: '[MQTT-3.1.3-11] [MQTT3-3.1.3-10] the Will topic',
    v5: (topic) => connect(5, { flags: '06', rest: will5(section(), topic) }),
    v4: (topic) => connect(4, { flags: '06', rest: topic + data('00') }),
  },
  {
    field: '[MQTT-3.1.3-12] [MQTT3-3.1.3-11] the user name',
    v5: (name) => connect(5, { flags: '82', rest: name }),
    v4: (name) => connect(4, { flags: '82', rest: name }),
  },
  { field: 'the authentication method', v5: (name) => connectOf(section(`15${name}`)) },
  {
    field: '[MQTT-1.5.7-1] the name of a user property of CONNECT',
    v5: (name) => connectOf(section(pair(name, text('v')))),
  },
  {
    field: '[MQTT-1.5.7-1] the value of a user property of CONNECT',
    v5: (value) => connectOf(section(pair(text('n'), value))),
  },
  { field: 'the content type of a Will', v5: (type) => willOf(section(`03${type}`)) },
  { field: 'the response topic of a Will', v5: (topic) => willOf(section(`08${topic}`)) },
  { field: 'a user property of a Will', v5: (value) => willOf(section(pair(text('n'), value))) },
  {
    field: '[MQTT-3.3.2-1] [MQTT3-3.3.2-1] the topic',
    v5: (topic) => publish('30', topic),
    v4: (topic) => packet('30', topic),
  },
  { field: '[MQTT-3.3.2-19] the content type', v5: (type) => publishOf(section(`03${type}`)) },
  { field: '[MQTT-3.3.2-13] the response topic', v5: (topic) => publishOf(section(`08${topic}`)) },
  {
    field: '[MQTT-1.5.7-1] the name of a user property',
    v5: (name) => publishOf(section(pair(name, text('v')))),
  },
  {
    field: '[MQTT-1.5.7-1] the value of a user property',
    v5: (value) => publishOf(section(pair(text('n'), value))),
  },
  {
    field: '[MQTT-3.8.3-1] [MQTT3-3.8.3-1] a filter',
    v5: (filter) => subscribe(filter, '00'),
    v4: (filter) => packet('82', '0001', filter, '00'),
  },
  { field: 'a user property of SUBSCRIBE', v5: (value) => subscribeOf(section(pair(text('n'), value))) },
  {
    field: '[MQTT-3.10.3-1] [MQTT3-3.10.3-1] a filter of UNSUBSCRIBE',
    v5: (filter) => packet('a2', '0001', section(), filter),
    v4: (filter) => packet('a2', '0001', filter),
  },
  { field: 'a user property of UNSUBSCRIBE', v5: (value) => unsubscribeOf(section(pair(text('n'), value))) },
  ...(['40', '50', '62', '70'] as const).flatMap((first) => {
    const name = { '40': 'PUBACK', '50': 'PUBREC', '62': 'PUBREL', '70': 'PUBCOMP' }[first];
    return [
      {
        field: `the reason string of ${name}`,
        v5: (reason: string) => answerOf(first)(section(`1f${reason}`)),
      },
      {
        field: `a user property of ${name}`,
        v5: (value: string) => answerOf(first)(section(pair(text('n'), value))),
      },
    ];
  }),
  { field: 'the reason string of DISCONNECT', v5: (reason) => disconnectOf(section(`1f${reason}`)) },
  { field: 'the server reference of DISCONNECT', v5: (reference) => disconnectOf(section(`1c${reference}`)) },
  { field: 'a user property of DISCONNECT', v5: (value) => disconnectOf(section(pair(text('n'), value))) },
  { field: 'the method of AUTH', v5: (name) => authOf(section(`15${name}`)) },
  { field: 'the reason string of AUTH', v5: (reason) => authOf(section(`1f${reason}`)) },
  { field: 'a user property of AUTH', v5: (value) => authOf(section(pair(text('n'), value))) },
];

/** §1.5.4: none of these is text. */
const notText: readonly [string, string][] = [
  ['[MQTT-1.5.4-1] [MQTT3-1.5.3-1] ill-formed', data('61c328')],
  ['[MQTT-1.5.4-1] [MQTT3-1.5.3-1] cut in a character', data('61e282')],
  ['[MQTT-1.5.4-1] [MQTT3-1.5.3-1] overlong', data('c1a1')],
  ['[MQTT-1.5.4-1] [MQTT3-1.5.3-1] a surrogate', data('eda080')],
  ['[MQTT-1.5.4-1] [MQTT3-1.5.3-1] a surrogate, in a long text', data('61'.repeat(40) + 'edbfbf')],
  ['above U+10FFFF', data('f4908080')],
  ['[MQTT-1.5.4-2] [MQTT-4.7.3-2] [MQTT3-1.5.3-2] [MQTT3-4.7.3-2] U+0000', data('610062')],
  ['[MQTT-1.5.4-2] [MQTT3-1.5.3-2] U+0000, in a long text', data('61'.repeat(40) + '00')],
  ['a length past the end', 'ffff61'],
];

export const wrongTexts: readonly Row[] = textFields.flatMap(({ field, v5, v4 }) =>
  notText.map(([what, value]) => {
    const wrong = `${field}: ${what}`;
    const isConnect = v5?.(value).startsWith('10') === true;
    return {
      ...(v5 === undefined ? { wrong } : row(wrong, v5(value), isConnect ? true : undefined, '81')),
      ...(v4 === undefined ? {} : { v4: v4(value) }),
    };
  }),
);

/** §3.4.2.1, §3.5.2.1, §3.6.2.1, §3.7.2.1, §3.14.2.1, §3.15.2.1: what a client may say. */
const ofPublish = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
const reasons: readonly { of: string; make: (code: string) => string; codes: readonly number[] }[] = [
  { of: '[MQTT-3.4.2-1] PUBACK', make: (code) => packet('40', '0001', code), codes: ofPublish },
  { of: '[MQTT-3.5.2-1] PUBREC', make: (code) => packet('50', '0001', code), codes: ofPublish },
  { of: '[MQTT-3.6.2-1] PUBREL', make: (code) => packet('62', '0001', code), codes: [0x00, 0x92] },
  { of: '[MQTT-3.7.2-1] PUBCOMP', make: (code) => packet('70', '0001', code), codes: [0x00, 0x92] },
  {
    of: '[MQTT-3.14.2-1] DISCONNECT',
    make: (code) => packet('e0', code),
    codes: [0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99],
  },
  // prettier-ignore
  { of: '[MQTT-3.15.2-1] AUTH', make: (code) => packet('f0', code, section(`15${text('METHOD')}`)), codes: [0x18, 0x19] },
];

export const wrongReasons: readonly Row[] = reasons.flatMap(({ of, make, codes }) =>
  [0x00, 0x01, 0x02, 0x03, 0x04, 0x10, 0x11, 0x18, 0x19, 0x7f, 0xff]
    .concat(Array.from({ length: 0xa4 - 0x80 }, (_, index) => 0x80 + index))
    .filter((code) => !codes.includes(code))
    .map((code) => ({
      wrong: `${of} with reason code 0x${code.toString(16).padStart(2, '0')}`,
      v5: make(code.toString(16).padStart(2, '0')),
      open5: 'disconnect 82',
    })),
);

/** [MQTT-2.2.1-3]: not 0. */
export const wrongPacketIds: readonly Row[] = (
  [
    ['PUBLISH with QoS 1', packet('32', text('a'), '0000', '00'), packet('32', text('a'), '0000')],
    ['PUBLISH with QoS 2', packet('34', text('a'), '0000', '00'), packet('34', text('a'), '0000')],
    ['PUBACK', '40 02 0000', '40 02 0000'],
    ['PUBREC', '50 02 0000', '50 02 0000'],
    ['PUBREL', '62 02 0000', '62 02 0000'],
    ['PUBCOMP', '70 02 0000', '70 02 0000'],
    ['SUBSCRIBE', '82 07 0000 00 0001 61 00', '82 06 0000 0001 61 00'],
    ['UNSUBSCRIBE', 'a2 06 0000 00 0001 61', 'a2 05 0000 0001 61'],
  ] as const
).map(([name, v5, v4]) => ({
  wrong: `[MQTT-2.2.1-3] [MQTT3-2.3.1-1] ${name} with packet identifier 0`,
  v5,
  v4,
}));
