// SPDX-License-Identifier: Apache-2.0
// Wrong in what a packet says: topics, flags, subscriptions, states.
import { packet, publish, section, subscribe, text } from './packet.ts';
import type { Row } from './row.ts';

/** A topic of so many. */
export const levels = (count: number): string => text('a/'.repeat(count - 1) + 'a');

export const wrongPublishes: readonly Row[] = [
  {
    wrong: '[MQTT-3.3.1-4] [MQTT3-3.3.1-4] QoS 3',
    v5: publish('36', text('a')),
    v4: packet('36', text('a'), '0001'),
  },
  {
    wrong: '[MQTT-3.3.1-2] [MQTT3-3.3.1-2] DUP at QoS 0',
    v5: publish('38', text('a')),
    v4: packet('38', text('a')),
  },
  ...['+', '#', 'a/#', 'a/+/b', 'a+', 'a#b'].map((topic) => ({
    wrong: `[MQTT-3.3.2-2] [MQTT-4.7.0-1] [MQTT3-3.3.2-2] [MQTT3-4.7.1-1] the topic ${topic}`,
    v5: publish('30', text(topic)),
    v4: packet('30', text(topic)),
  })),
  {
    wrong: '[MQTT-4.7.3-1] [MQTT3-4.7.3-1] an empty topic and no alias, §3.3.2.1',
    v5: publish('30', text('')),
    open5: 'disconnect 82',
    v4: packet('30', text('')),
  },
  {
    wrong: '[MQTT-3.3.2-14] a response topic with a wildcard',
    v5: publish('30', text('a'), section(`08${text('r/+')}`)),
  },
  { wrong: '[MQTT-4.7.3-1] an empty response topic', v5: publish('30', text('a'), section(`08${text('')}`)) },
  {
    wrong: '[MQTT-3.3.2-8] topic alias 0',
    v5: publish('30', text('a'), section('230000')),
    open5: 'disconnect 94',
  },
  {
    wrong: '[MQTT-3.3.2-9] [MQTT-3.2.2-17] a topic alias above the maximum',
    v5: publish('30', text('a'), section('230021')),
    open5: 'disconnect 94',
  },
  {
    wrong: 'a topic alias that was not set, §3.3.4',
    v5: publish('30', text(''), section('230001')),
    open5: 'disconnect 82',
  },
  {
    wrong: 'a topic of too many levels for this server, QoS 1',
    v5: publish('32', levels(33)),
    open5: 'puback 90',
    v4: packet('32', levels(33), '0001'),
    open4: 'puback 00',
  },
  {
    wrong: 'a topic that is too long for this server, QoS 2',
    v5: publish('34', text('é'.repeat(513))),
    open5: 'pubrec 90',
    v4: packet('34', text('é'.repeat(513)), '0001'),
    open4: 'pubrec 00',
  },
  {
    wrong: 'a topic of too many levels, QoS 0',
    v5: publish('30', levels(33)),
    open5: 'ignored',
    v4: packet('30', levels(33)),
    open4: 'ignored',
  },
  {
    wrong: 'a topic that the client may not publish to',
    v5: publish('32', text('secret/a')),
    open5: 'puback 87',
    v4: packet('32', text('secret/a'), '0001'),
    open4: 'puback 00',
  },
  {
    wrong: 'what is called text is none, QoS 1, §3.3.2.3.2',
    v5: publish('32', text('a'), section('0101'), 'ff'),
    open5: 'puback 99',
  },
  {
    wrong: 'what is called text is none, QoS 0',
    v5: publish('30', text('a'), section('0101'), 'ff'),
    open5: 'ignored',
  },
];

const filtered = (filter: string): Row => ({
  wrong: `[MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT3-4.7.1-2] [MQTT3-4.7.1-3] the filter ${filter}`,
  v5: subscribe(text(filter), '00'),
  open5: 'suback 8f',
  v4: packet('82', '0001', text(filter), '00'),
  open4: 'suback 80',
});

/** A wrong filter is refused alone: others in the same SUBSCRIBE are granted. */
export const wrongSubscriptions: readonly Row[] = [
  {
    wrong: '[MQTT-3.8.3-2] [MQTT3-3.8.3-3] SUBSCRIBE without a filter',
    v5: '82 03 0001 00',
    open5: 'disconnect 82',
    v4: '82 02 0001',
  },
  {
    wrong: '[MQTT-3.10.3-2] [MQTT3-3.10.3-2] UNSUBSCRIBE without a filter',
    v5: 'a2 03 0001 00',
    open5: 'disconnect 82',
    v4: 'a2 02 0001',
  },
  ...['40', '80', 'c0'].map((options) => ({
    wrong: `[MQTT-3.8.3-5] reserved bits ${options} of a subscription`,
    v5: subscribe(text('a'), options),
  })),
  ...['04', '08', '10', '20', '40', '80'].map((options) => ({
    wrong: `[MQTT3-3.8.3-4] reserved bits ${options} of the requested QoS`,
    v4: packet('82', '0001', text('a'), options),
  })),
  {
    wrong: '[MQTT3-3.8.3-4] a subscription with QoS 3, §3.8.3.1',
    v5: subscribe(text('a'), '03'),
    open5: 'disconnect 82',
    v4: packet('82', '0001', text('a'), '03'),
  },
  { wrong: 'retain handling 3, §3.8.3.1', v5: subscribe(text('a'), '30'), open5: 'disconnect 82' },
  {
    wrong: '[MQTT-3.8.3-4] No Local on a shared subscription',
    v5: subscribe(text('$share/g/a'), '04'),
    open5: 'disconnect 82',
  },
  ...['', 'a#', '#/a', 'a/#/b', 'a+', 'a/+b', '++'].map(filtered),
  {
    wrong: 'a filter of too many levels for this server',
    v5: subscribe(levels(33), '00'),
    open5: 'suback 8f',
    v4: packet('82', '0001', levels(33), '00'),
    open4: 'suback 80',
  },
  {
    wrong: 'a filter that the client may not have',
    v5: subscribe(text('secret/a'), '00'),
    open5: 'suback 87',
    v4: packet('82', '0001', text('secret/a'), '00'),
    open4: 'suback 80',
  },
  {
    wrong: 'UNSUBSCRIBE from what was not subscribed to, or is no filter',
    v5: packet('a2', '0001', section(), text('a'), text('a#'), text('')),
    open5: 'unsuback 11 11 11',
    v4: packet('a2', '0001', text('a'), text('a#'), text('')),
    open4: 'unsuback',
  },
];

/** In themselves right. */
export const wrongStates: readonly Row[] = [
  { wrong: 'PUBACK for nothing', v5: '40 02 0007', open5: 'ignored', v4: '40 02 0007', open4: 'ignored' },
  { wrong: 'PUBCOMP for nothing', v5: '70 02 0007', open5: 'ignored', v4: '70 02 0007', open4: 'ignored' },
  {
    wrong: 'PUBREC for nothing, §4.3.3',
    v5: '50 02 0007',
    open5: 'pubrel 92',
    v4: '50 02 0007',
    open4: 'pubrel 00',
  },
  {
    wrong: 'PUBREC that refuses nothing',
    v5: '50 03 0007 97',
    open5: 'pubrel 92',
  },
  {
    wrong: '[MQTT-4.3.3-11] PUBREL for nothing',
    v5: '62 02 0007',
    open5: 'pubcomp 92',
    v4: '62 02 0007',
    open4: 'pubcomp 00',
  },
  {
    wrong: '[MQTT-4.12.0-6] AUTH, and CONNECT named no method',
    v5: packet('f0', '19', section(`15${text('METHOD')}`)),
    open5: 'disconnect 82',
  },
  { wrong: '[MQTT-4.12.0-6] AUTH with nothing in it', v5: 'f0 00', open5: 'disconnect 82' },
  {
    wrong: 'AUTH without a method, §3.15.2.2.2',
    v5: 'f0 02 18 00',
    open5: 'disconnect 82',
  },
  {
    wrong: '[MQTT-4.12.0-5] AUTH with another method',
    v5: packet('f0', '18', section(`15${text('OTHER')}`)),
    open5: 'disconnect 82',
  },
  {
    wrong: '[MQTT-4.12.1-1] AUTH that begins anew before the first is over',
    v5: packet('f0', '19', section(`15${text('METHOD')}`)),
    open5: 'disconnect 82',
  },
  {
    wrong: '[MQTT-3.1.2-30] nothing wrong, but too early: PINGREQ',
    v5: 'c0 00',
    open5: 'pingresp',
    v4: 'c0 00',
    open4: 'pingresp',
  },
  {
    wrong: '[MQTT-3.1.2-30] nothing wrong, but too early: DISCONNECT',
    v5: 'e0 00',
    open5: 'closed',
    signingIn: 'closed',
    v4: 'e0 00',
  },
  {
    wrong: '[MQTT-3.1.2-30] nothing wrong, but too early: PUBLISH',
    v5: publish('32', text('a')),
    open5: 'puback 10',
    v4: packet('32', text('a'), '0001'),
    open4: 'puback 00',
  },
];
