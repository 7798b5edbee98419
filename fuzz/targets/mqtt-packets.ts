// SPDX-License-Identifier: Apache-2.0
// Packets with random fields, valid for the most part; for the codec and for what listens.
import {
  strictCodec,
  type Packet,
  type Properties,
  type ProtocolVersion,
  type UserProperties,
} from '@sealpost/mqtt';
import type { Random } from '../engine/random.ts';

/** Words that somewhere mean something. */
export interface Words {
  readonly topics: readonly string[];
  readonly filters: readonly string[];
  readonly properties: readonly (readonly [string, string])[];
  readonly bodies: readonly Uint8Array[];
}

const plainWords: Words = {
  topics: ['a', 'a/b', '$SYS/x', 'é/🚒', 'mail/to/x@y'],
  filters: ['#', '+', 'a/#', '+/b', '$share/g/a', 'a//b', 'a/+/c'],
  properties: [
    ['', ''],
    ['a', 'b'],
    ['precedence', 'flash'],
  ],
  bodies: [new Uint8Array(0), new Uint8Array(Buffer.from('text')), new Uint8Array(200)],
};

export function randomPacket(
  random: Random,
  version: ProtocolVersion,
  words: Words = plainWords,
): Uint8Array {
  try {
    return strictCodec.encode(make(random, version, words), version).slice();
  } catch (error) {
    // What the encoder refuses to write is not a packet.
    if (error instanceof TypeError || error instanceof RangeError) return Uint8Array.of(0xc0, 0);
    throw error;
  }
}

function text(random: Random): string {
  const letters = ['a', 'b', '/', 'é', '€', '🚒', '\u{feff}', ' ', '\u{1}', '#', '+'];
  return Array.from({ length: random.size(30) }, () => random.pick(letters)).join('');
}

function bytes(random: Random): Uint8Array {
  return random.bytes(random.size(60));
}

function userProperties(random: Random, words: Words): UserProperties {
  return Array.from({ length: random.size(5) }, () =>
    random.chance(3)
      ? ([text(random), text(random)] as const)
      : (random.pick(words.properties) ?? ['a', 'b']),
  );
}

const propertyMakers: Readonly<Record<string, (random: Random) => unknown>> = {
  sessionExpirySeconds: (random) => random.pick([0, 1, 60, 0xffffffff]),
  receiveMaximum: (random) => random.pick([1, 2, 64, 0xffff]),
  maximumPacketSize: (random) => random.pick([1, 20, 200, 100_000, 0xffffffff]),
  topicAliasMaximum: (random) => random.below(10),
  requestResponseInformation: (random) => random.below(2),
  requestProblemInformation: (random) => random.below(2),
  authenticationMethod: text,
  authenticationData: bytes,
  assignedClientId: text,
  serverKeepAliveSeconds: (random) => random.below(100),
  responseInformation: text,
  serverReference: text,
  reasonString: text,
  maximumQos: (random) => random.below(2),
  retainAvailable: (random) => random.below(2),
  wildcardSubscriptionAvailable: (random) => random.below(2),
  subscriptionIdsAvailable: (random) => random.below(2),
  sharedSubscriptionAvailable: (random) => random.below(2),
  subscriptionId: (random) => random.pick([1, 127, 128, 16_384, 268_435_455]),
  willDelaySeconds: (random) => random.below(3),
  messageExpirySeconds: (random) => random.pick([0, 1, 60, 0xffffffff]),
  payloadFormat: (random) => random.below(2),
  contentType: text,
  responseTopic: () => 'r/t',
  correlationData: bytes,
};

function properties(random: Random, words: Words, ...names: readonly string[]): Properties {
  const made: Record<string, unknown> = {};
  for (const name of names) if (random.chance(3)) made[name] = propertyMakers[name]?.(random);
  if (random.chance(3)) made['userProperties'] = userProperties(random, words);
  return made;
}

const reasonCodes = [0, 1, 2, 0x10, 0x80, 0x83, 0x87, 0x97, 0x99] as const;

function connect(random: Random, version: ProtocolVersion, words: Words): Packet {
  const will = [
    'willDelaySeconds',
    'messageExpirySeconds',
    'payloadFormat',
    'contentType',
    'responseTopic',
    'correlationData',
  ];
  const own = [
    'sessionExpirySeconds',
    'receiveMaximum',
    'maximumPacketSize',
    'topicAliasMaximum',
    'requestProblemInformation',
  ];
  if (random.chance(4)) own.push('authenticationMethod', 'authenticationData', 'requestResponseInformation');
  return {
    type: 'connect',
    version,
    clientId: random.pick(['', 'c1', 'c2', text(random)]),
    cleanStart: random.chance(2),
    keepAliveSeconds: random.pick([0, 1, 60, 0xffff]),
    ...(random.chance(2) ? { username: random.pick(['a', 'alice@home.test', text(random)]) } : {}),
    ...(random.chance(2) ? { username: 'a', password: bytes(random) } : {}),
    ...(random.chance(3)
      ? {
          will: {
            topic: random.pick(words.topics) ?? 'a',
            payload: bytes(random),
            qos: random.pick([0, 1, 2]),
            retain: random.chance(2),
            properties: version === 5 ? properties(random, words, ...will) : {},
          },
        }
      : {}),
    properties: version === 5 ? properties(random, words, ...own) : {},
  };
}

function publish(random: Random, words: Words): Packet {
  const qos = random.pick([0, 1, 1, 1, 2]);
  return {
    type: 'publish',
    topic: random.chance(6) ? text(random) : (random.pick(words.topics) ?? 'a'),
    payload: random.chance(2) ? bytes(random) : (random.pick(words.bodies) ?? bytes(random)),
    qos: qos as 0 | 1 | 2,
    dup: qos > 0 && random.chance(4),
    retain: random.chance(5),
    packetBytes: 0,
    ...(qos === 0 ? {} : { packetId: random.between(1, 5) }),
    ...properties(
      random,
      words,
      'messageExpirySeconds',
      'payloadFormat',
      'contentType',
      'responseTopic',
      'correlationData',
    ),
    userProperties: userProperties(random, words),
  } as Packet;
}

function make(random: Random, version: ProtocolVersion, words: Words): Packet {
  const packetId = random.between(1, 5);
  const section = (...names: readonly string[]): Properties =>
    version === 5 ? properties(random, words, ...names) : {};
  const reasonCode = version === 5 ? random.pick(reasonCodes) : 0;
  switch (random.below(10)) {
    case 0:
      return connect(random, version, words);
    case 1:
    case 2:
    case 3:
      return publish(random, words);
    case 4: {
      const type = random.pick(['puback', 'pubrec', 'pubrel', 'pubcomp'] as const);
      return { type, packetId, reasonCode, ...section('reasonString') };
    }
    case 5:
      return {
        type: 'subscribe',
        packetId,
        subscriptions: Array.from({ length: random.between(1, 4) }, () => ({
          filter: random.chance(4) ? text(random) : (random.pick(words.filters) ?? '#'),
          qos: random.pick([0, 1, 2]),
          noLocal: random.chance(2),
          retainAsPublished: random.chance(2),
          retainHandling: random.pick([0, 1, 2]),
        })),
        properties: section('subscriptionId'),
      };
    case 6:
      return {
        type: 'unsubscribe',
        packetId,
        filters: Array.from({ length: random.between(1, 4) }, () => random.pick(words.filters) ?? '#'),
        properties: section(),
      };
    case 7:
      return random.chance(2)
        ? {
            type: 'connack',
            sessionPresent: random.chance(2),
            reasonCode,
            properties: section(...Object.keys(propertyMakers)),
          }
        : {
            type: random.pick(['suback', 'unsuback'] as const),
            packetId,
            reasonCodes: Array.from({ length: random.between(1, 4) }, () => random.pick(reasonCodes)),
            properties: section('reasonString'),
          };
    case 8:
      return { type: random.pick(['pingreq', 'pingresp'] as const) };
    default:
      return version === 5 && random.chance(2)
        ? {
            type: 'auth',
            reasonCode: 0x18,
            properties: section('authenticationMethod', 'authenticationData'),
          }
        : {
            type: 'disconnect',
            reasonCode: random.pick([0, 4, 0x81]),
            properties: section('sessionExpirySeconds', 'reasonString'),
          };
  }
}
