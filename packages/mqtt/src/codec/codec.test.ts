// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import mqttPacket from 'mqtt-packet';
import { ProtocolError, type Decoder } from '../codec.ts';
import type { Packet, ProtocolVersion, PublishPacket } from '../packet.ts';
import { isReasonCodeOf, type PacketWithReason, type Sender } from '../packet-reason-codes.ts';
import { strictCodec } from './codec.ts';

const text = fc
  .string({ unit: 'grapheme', maxLength: 40 })
  .filter((s) => !s.includes('\0') && s.isWellFormed());
const level = text.map((s) => s.replaceAll(/[#+]/g, '_'));
const topic = level.map((s) => `t${s}`);
const binary = fc.uint8Array({ maxLength: 300 });
const packetId = fc.integer({ min: 1, max: 0xffff });
const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const flag = fc.integer({ min: 0, max: 1 });
function reasonCode(type: PacketWithReason, sender: Sender): fc.Arbitrary<number> {
  return fc.integer({ min: 0, max: 0xff }).filter((code) => isReasonCodeOf(type, code, sender));
}
const userProperties = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 4 });

/** Version 4 is the same without properties. */
function sections(
  version: ProtocolVersion,
  model: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<object> {
  if (version === 4) return fc.constant({});
  return fc.record({ ...model, userProperties }, { requiredKeys: [] });
}

const willProperties = {
  willDelaySeconds: uint32,
  messageExpirySeconds: uint32,
  payloadFormat: flag,
  contentType: text,
  responseTopic: topic,
  correlationData: binary,
};

function optional(model: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> {
  return fc.record(model, { requiredKeys: [] });
}

function connect(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const will = fc.record({
    topic,
    payload: binary,
    qos: fc.integer({ min: 0, max: 2 }),
    retain: fc.boolean(),
    properties: sections(version, willProperties),
  });
  const properties = sections(version, {
    sessionExpirySeconds: uint32,
    receiveMaximum: packetId,
    maximumPacketSize: fc.integer({ min: 1, max: 0xffffffff }),
    topicAliasMaximum: uint16,
    requestResponseInformation: flag,
    requestProblemInformation: flag,
    authenticationMethod: text,
  });
  return fc
    .tuple(
      fc.record({ clientId: text, cleanStart: fc.boolean(), keepAliveSeconds: uint16, properties }),
      fc.oneof(
        fc.constant({}),
        fc.record({ username: text }),
        fc.record({ username: text, password: binary }),
      ),
      optional({ will }),
    )
    .map(([a, b, c]) => ({ type: 'connect', version, ...a, ...b, ...c }));
}

function publish(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const properties: fc.Arbitrary<object> =
    version === 4
      ? fc.constant({ userProperties: [] })
      : fc
          .record(
            {
              messageExpirySeconds: uint32,
              payloadFormat: flag,
              contentType: text,
              responseTopic: topic,
              correlationData: binary,
              subscriptionIds: fc.array(fc.integer({ min: 1, max: 0xfffffff }), {
                minLength: 1,
                maxLength: 3,
              }),
              userProperties,
            },
            { requiredKeys: [] },
          )
          .map((some) => ({ userProperties: [], ...some }));
  return fc
    .tuple(
      fc.record({ topic, payload: binary, retain: fc.boolean() }),
      fc.oneof(
        fc.constant({ qos: 0, dup: false }),
        fc.record({ qos: fc.integer({ min: 1, max: 2 }), dup: fc.boolean(), packetId }),
      ),
      properties,
    )
    .map(([a, b, c]) => ({ type: 'publish', ...a, ...b, ...c }) as Packet);
}

const disconnectProperties = { reasonString: text, serverReference: text, sessionExpirySeconds: uint32 };

function others(version: ProtocolVersion): fc.Arbitrary<Packet>[] {
  const answers = fc.constantFrom(
    'puback' as const,
    'pubrec' as const,
    'pubrel' as const,
    'pubcomp' as const,
  );
  const code = (type: PacketWithReason, sender: Sender): fc.Arbitrary<number> =>
    version === 5 ? reasonCode(type, sender) : fc.constant(0);
  const options = version === 5 ? { noLocal: fc.boolean(), retainAsPublished: fc.boolean() } : {};
  const handling = version === 5 ? { retainHandling: fc.integer({ min: 0, max: 2 }) } : {};
  const request = fc.record({ filter: text, qos: fc.integer({ min: 0, max: 2 }), ...options, ...handling });
  const reasonProperties = sections(version, { reasonString: text });
  return [
    answers.chain((type) =>
      fc
        .tuple(
          fc.record({ type: fc.constant(type), packetId, reasonCode: code(type, 'client') }),
          reasonProperties,
        )
        .map(([a, b]) => ({ ...a, ...b })),
    ),
    fc.record({
      type: fc.constant('subscribe'),
      packetId,
      subscriptions: fc.array(request, { minLength: 1, maxLength: 4 }),
      properties: sections(version, { subscriptionId: fc.integer({ min: 1, max: 0xfffffff }) }),
    }) as fc.Arbitrary<Packet>,
    fc.record({
      type: fc.constant('unsubscribe'),
      packetId,
      filters: fc.array(text, { minLength: 1, maxLength: 4 }),
      properties: sections(version, {}),
    }),
    fc.constantFrom('suback' as const, ...(version === 5 ? (['unsuback'] as const) : [])).chain((type) =>
      fc.record({
        type: fc.constant(type),
        packetId,
        reasonCodes: fc.array(version === 5 ? reasonCode(type, 'server') : fc.constantFrom(0, 1, 2, 0x80), {
          minLength: 1,
        }),
        properties: reasonProperties,
      }),
    ),
    fc.constantFrom<Packet>({ type: 'pingreq' }, { type: 'pingresp' }),
    fc.record({
      type: fc.constant('disconnect'),
      reasonCode: code('disconnect', 'client'),
      properties: sections(version, disconnectProperties),
    }),
    fc.record({
      type: fc.constant('connack'),
      sessionPresent: fc.boolean(),
      reasonCode: code('connack', 'server'),
      properties: sections(version, {
        assignedClientId: text,
        maximumQos: flag,
        serverKeepAliveSeconds: uint16,
      }),
    }),
  ];
}

const any = fc
  .constantFrom<ProtocolVersion>(4, 5)
  .chain((version) =>
    fc.tuple(fc.constant(version), fc.oneof(connect(version), publish(version), ...others(version))),
  );

const fromServer = new Set(['connack', 'suback', 'unsuback', 'pingresp']);

/** A CONNECT belongs at the start of a stream, everything else behind it. */
function decoderFor(packet: Packet, version: ProtocolVersion): Decoder {
  const options = { maximumPacketSize: 1_000_000 };
  const identified = packet.type === 'publish' && packet.subscriptionIds !== undefined;
  if (identified || fromServer.has(packet.type))
    return strictCodec.createDecoder({ ...options, role: 'client', version });
  return strictCodec.createDecoder(
    packet.type === 'connect' ? { ...options, role: 'server' } : { ...options, role: 'server', version },
  );
}

/** Plain values: no views, no length of the packet. */
function plain(packet: Packet | undefined): unknown {
  return JSON.parse(
    JSON.stringify(packet, (key, value: unknown) => {
      if (key === 'packetBytes') return undefined;
      return value instanceof Uint8Array ? [...value] : value;
    }),
  );
}

test('what is encoded is decoded, byte by byte or at once', () => {
  fc.assert(
    fc.property(any, fc.integer({ min: 1, max: 400 }), ([version, packet], pieceBytes) => {
      const bytes = strictCodec.encode(packet, version).slice();
      const decoder = decoderFor(packet, version);
      let decoded: Packet | undefined;
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        assert.equal(decoded, undefined);
        decoder.feed(bytes.slice(at, at + pieceBytes));
        decoded = decoder.next();
      }
      assert.deepEqual(plain(decoded), plain(packet));
      assert.equal(decoder.next(), undefined);
      assert.equal(decoder.bufferedBytes, 0);
    }),
    { numRuns: 1000 },
  );
});

test('a damaged packet gives a packet or a ProtocolError, never anything else and never the neighbour', () => {
  const damage = fc.record({
    at: fc.nat(),
    value: fc.integer({ min: 0, max: 255 }),
    cut: fc.nat({ max: 3 }),
  });
  fc.assert(
    fc.property(any, fc.array(damage, { minLength: 1, maxLength: 3 }), ([version, packet], damages) => {
      const bytes = strictCodec.encode(packet, version).slice();
      for (const { at, value } of damages) bytes[at % bytes.length] = value;
      const decoder = decoderFor(packet, version);
      decoder.feed(bytes.slice(0, bytes.length - (damages[0]?.cut ?? 0)));
      decoder.feed(Uint8Array.of(0xc0, 0));
      try {
        while (decoder.next() !== undefined);
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error));
        assert.ok(error.reasonCode >= 0x80);
      }
    }),
    { numRuns: 3000 },
  );
});

test('random bytes never break the decoder', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, fresh) => {
      const decoder = strictCodec.createDecoder({
        role: 'server',
        maximumPacketSize: 1000,
        ...(fresh ? {} : { version: 5 }),
      });
      decoder.feed(bytes);
      try {
        while (decoder.next() !== undefined);
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

test('an independent codec reads our PUBLISH, and we read its', () => {
  fc.assert(
    fc.property(publish(5), (packet) => {
      const parser = mqttPacket.parser({ protocolVersion: 5 });
      const seen: mqttPacket.Packet[] = [];
      parser.on('packet', (theirs) => seen.push(theirs));
      const ours = strictCodec.encode(packet, 5).slice();
      parser.parse(Buffer.from(ours));
      const [theirs] = seen;
      assert.ok(theirs?.cmd === 'publish' && packet.type === 'publish');
      assert.equal(theirs.topic, packet.topic);
      assert.equal(theirs.properties?.messageExpiryInterval, packet.messageExpirySeconds);
      assert.equal(theirs.properties?.contentType, packet.contentType);
      // User properties are left out: it forgets their order across names and empty duplicates.
      const decoder = decoderFor(packet, 5);
      decoder.feed(new Uint8Array(mqttPacket.generate(theirs, { protocolVersion: 5 })));
      const back = decoder.next() as PublishPacket;
      assert.deepEqual([...back.payload], [...packet.payload]);
    }),
  );
});

test('[MQTT-3.3.2-18] the order of user properties is kept across names, duplicates included', () => {
  const pairs: [string, string][] = [
    ['b', '1'],
    ['a', '2'],
    ['b', '1'],
    ['', ''],
  ];
  const packet = {
    type: 'publish',
    topic: 't',
    payload: new Uint8Array(0),
    qos: 0,
    retain: false,
    dup: false,
  } as const;
  const decoder = decoderFor({ ...packet, userProperties: pairs, packetBytes: 0 }, 5);
  decoder.feed(strictCodec.encode({ ...packet, userProperties: pairs, packetBytes: 0 }, 5));
  assert.deepEqual((decoder.next() as PublishPacket).userProperties, pairs);
});

/** Hex of a whole packet of version 5 from a client that is connected, and the reason code it gets. */
const refused: readonly [string, string, number][] = [
  ['[MQTT-3.3.1-4] QoS 3', '36 05 0001 61 0001', 0x81],
  ['[MQTT-3.3.1-2] DUP with QoS 0', '38 04 0001 61 00', 0x81],
  ['[MQTT-3.3.2-2] wildcard in a topic', '30 04 0001 23 00', 0x81],
  ['neither topic nor alias', '30 03 0000 00', 0x82],
  ['[MQTT-3.3.2-8] topic alias 0', '30 07 0001 61 03 23 0000', 0x94],
  ['[MQTT-2.2.1-3] packet identifier 0', '32 06 0001 61 0000 00', 0x81],
  ['[MQTT-1.5.4-1] ill-formed UTF-8', '30 05 0002 c328 00', 0x81],
  ['[MQTT-1.5.4-1] UTF-16 surrogate', '30 06 0003 eda080 00', 0x81],
  ['[MQTT-1.5.4-2] U+0000', '30 05 0002 6100 00', 0x81],
  ['topic runs past the packet', '30 03 0009 61', 0x81],
  ['properties run past the packet', '30 05 0001 61 05 01', 0x81],
  ['property runs past its section', '30 08 0001 61 03 02 0000 00', 0x81],
  ['user property runs past its section', '30 0a 0001 61 04 26 0001 61 0000', 0x81],
  ['[MQTT-1.5.5-1] length not in its shortest form', '30 85 00 0001 61 0000', 0x81],
  ['length of five bytes', '30 ffffffff7f', 0x81],
  ['message expiry twice', '30 0e 0001 61 0a 02 00000001 02 00000001', 0x82],
  ['payload format 2', '30 06 0001 61 02 01 02', 0x82],
  ['[MQTT-3.3.2-14] wildcard in the response topic', '30 08 0001 61 04 08 0001 23', 0x81],
  ['property of another packet', '30 09 0001 61 05 11 00000001', 0x81],
  ['unknown property', '30 06 0001 61 02 7f 00', 0x81],
  ['subscription identifier 0', '30 06 0001 61 02 0b 00', 0x82],
  ['larger than Maximum Packet Size', '30 ffff7f', 0x95],
  ['[MQTT-3.8.3-2] SUBSCRIBE without a filter', '82 03 0001 00', 0x82],
  ['[MQTT-3.8.1-1] SUBSCRIBE with other flags', '80 07 0001 00 0001 61 00', 0x81],
  ['subscription with QoS 3', '82 07 0001 00 0001 61 03', 0x82],
  ['[MQTT-3.8.3-5] reserved bits of a subscription', '82 07 0001 00 0001 61 40', 0x81],
  ['retain handling 3', '82 07 0001 00 0001 61 30', 0x82],
  ['SUBSCRIBE with identifier 0', '82 07 0000 00 0001 61 00', 0x81],
  ['subscription identifier twice', '82 0b 0001 04 0b01 0b02 0001 61 00', 0x82],
  ['[MQTT-3.10.3-2] UNSUBSCRIBE without a filter', 'a2 03 0001 00', 0x82],
  ['[MQTT-3.10.1-1] UNSUBSCRIBE with other flags', 'a0 06 0001 00 0001 61', 0x81],
  ['[MQTT-3.1.0-2] a second CONNECT', '10 0d 0004 4d515454 05 02 0000 00 0000', 0x82],
  ['CONNACK from a client', '20 03 00 00 00', 0x82],
  ['SUBACK from a client', '90 04 0001 00 00', 0x82],
  ['PINGREQ with a body', 'c0 01 00', 0x81],
  ['PINGREQ with flags', 'c1 00', 0x81],
  ['packet type 0', '00 00', 0x81],
  ['[MQTT-3.6.1-1] PUBREL with other flags', '60 02 0001', 0x81],
  ['PUBACK with identifier 0', '40 02 0000', 0x81],
  ['PUBACK of one byte', '40 01 00', 0x81],
  ['bytes behind the properties of a PUBACK', '40 05 0001 00 00 00', 0x81],
  ['DISCONNECT with a property of PUBLISH', 'e0 04 00 02 01 00', 0x81],
];

for (const [name, hex, code] of refused) {
  test(`refused: ${name}`, () => {
    const decoder = strictCodec.createDecoder({ role: 'server', maximumPacketSize: 1000, version: 5 });
    decoder.feed(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
    decoder.feed(new Uint8Array([0xc0, 0, 0xc0, 0, 0xc0, 0, 0xc0, 0]));
    assert.throws(
      () => decoder.next(),
      (error) => error instanceof ProtocolError && error.reasonCode === code,
    );
  });
}

/** The same for CONNECT. */
const refusedConnects: readonly [string, string, number][] = [
  ['[MQTT-3.1.0-1] another packet first', 'c0 00', 0x82],
  ['[MQTT-3.1.2-3] reserved flag', '10 0d 0004 4d515454 05 03 0000 00 0000', 0x81],
  ['[MQTT-3.1.2-11] Will QoS without a Will', '10 0d 0004 4d515454 05 0a 0000 00 0000', 0x81],
  ['[MQTT-3.1.2-13] Will retain without a Will', '10 0d 0004 4d515454 05 22 0000 00 0000', 0x81],
  ['[MQTT-3.1.2-12] Will QoS 3', '10 12 0004 4d515454 05 1e 0000 00 0000 00 0001 61 0000', 0x81],
  ['[MQTT-3.1.2-2] level 6', '10 0d 0004 4d515454 06 02 0000 00 0000', 0x84],
  ['[MQTT-3.1.2-2] MQTT 3.1', '10 0e 0006 4d5149736470 03 02 0000 0000', 0x84],
  ['[MQTT-3.1.2-1] not MQTT', '10 0d 0004 48545450 05 02 0000 00 0000', 0x81],
  ['Receive Maximum 0', '10 10 0004 4d515454 05 02 0000 03 21 0000 0000', 0x82],
  ['Maximum Packet Size 0', '10 12 0004 4d515454 05 02 0000 05 27 00000000 0000', 0x82],
  ['session expiry twice', '10 17 0004 4d515454 05 02 0000 0a 11 00000001 11 00000001 0000', 0x82],
  ['authentication data alone', '10 11 0004 4d515454 05 02 0000 04 16 0001 61 0000', 0x82],
  ['[MQTT3-3.1.2-22] password without user name', '10 0e 0004 4d515454 04 42 0000 0000 0000', 0x81],
  ['[MQTT-3.1.3-3] no client identifier', '10 0b 0004 4d515454 05 02 0000 00', 0x81],
  ['bytes behind the end', '10 0e 0004 4d515454 05 02 0000 00 0000 00', 0x81],
];

for (const [name, hex, code] of refusedConnects) {
  test(`refused CONNECT: ${name}`, () => {
    const decoder = strictCodec.createDecoder({ role: 'server', maximumPacketSize: 1000 });
    decoder.feed(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
    assert.throws(
      () => decoder.next(),
      (error) => error instanceof ProtocolError && error.reasonCode === code,
    );
  });
}

/** Hex of a whole packet of version 4 from a server. */
const refusedOfServer: readonly [string, string][] = [
  ['[MQTT3-3.9.3-2] SUBACK with a reserved return code', '90 03 0001 03'],
  ['3.1.1: UNSUBACK with a payload', 'b0 03 0001 00'],
];

for (const [name, hex] of refusedOfServer) {
  test(`refused: ${name}`, () => {
    const decoder = strictCodec.createDecoder({ role: 'client', maximumPacketSize: 1000, version: 4 });
    decoder.feed(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
    assert.throws(
      () => decoder.next(),
      (error) => error instanceof ProtocolError && error.reasonCode === 0x81,
    );
  });
}

/** The same of version 5: a reason code of another packet. */
const reasonsOfServer: readonly [string, string][] = [
  ['[MQTT-3.2.2-8] CONNACK', '20 03 00 8e 00'],
  ['[MQTT-3.4.2-1] PUBACK', '40 03 0001 95'],
  ['[MQTT-3.9.3-2] SUBACK, the second one', '90 05 0001 00 01 03'],
  ['[MQTT-3.11.3-2] UNSUBACK', 'b0 04 0001 00 01'],
  ['[MQTT-3.14.2-1] DISCONNECT', 'e0 01 04'],
  ['[MQTT-3.15.2-1] AUTH', 'f0 02 19 00'],
];

for (const [name, hex] of reasonsOfServer) {
  test(`refused: the reason code of ${name}`, () => {
    const decoder = strictCodec.createDecoder({ role: 'client', maximumPacketSize: 1000, version: 5 });
    decoder.feed(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
    assert.throws(
      () => decoder.next(),
      (error) => error instanceof ProtocolError && error.reasonCode === 0x82,
    );
  });
}

test('a length beyond the limit is refused before anything is buffered for it', () => {
  const decoder = strictCodec.createDecoder({ role: 'server', maximumPacketSize: 100, version: 5 });
  decoder.feed(Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x01));
  assert.throws(() => decoder.next(), { reasonCode: 0x95 });
});

test('[MQTT-4.7.3-3] [MQTT3-4.7.3-3] a topic of 65,535 bytes is the longest there is', () => {
  const packet = {
    payload: new Uint8Array(0),
    qos: 0,
    retain: false,
    dup: false,
    userProperties: [],
  } as const;
  for (const version of [4, 5] as const) {
    const longest = { ...packet, type: 'publish', topic: 'é'.repeat(32_767) + 'e', packetBytes: 0 } as const;
    const decoder = strictCodec.createDecoder({ role: 'server', maximumPacketSize: 100_000, version });
    decoder.feed(strictCodec.encode(longest, version).slice());
    assert.equal((decoder.next() as PublishPacket).topic, longest.topic);
    assert.throws(() => strictCodec.encode({ ...longest, topic: `${longest.topic}e` }, version), RangeError);
  }
});

test('[MQTT-1.5.5-1] every length is written in its shortest form', () => {
  for (let bytes = 0; bytes < 17_000; bytes += bytes < 300 || bytes > 16_100 ? 1 : 97) {
    const publish = {
      topic: 't',
      payload: new Uint8Array(bytes),
      qos: 0,
      retain: false,
      userProperties: [],
    } as const;
    const delivery = { packetId: 0, dup: false, messageExpirySeconds: undefined };
    const encoded = strictCodec.encodePublish({ ...publish }, 4, delivery);
    const header = bytes + 3 < 128 ? 2 : bytes + 3 < 16_384 ? 3 : 4;
    assert.equal(encoded.length, header + 3 + bytes);
    const correlated = { ...publish, payload: new Uint8Array(0), correlationData: new Uint8Array(bytes) };
    const decoder = strictCodec.createDecoder({ role: 'client', maximumPacketSize: 100_000, version: 5 });
    decoder.feed(strictCodec.encodePublish(correlated, 5, delivery).slice());
    const section = bytes + 3 < 128 ? 1 : bytes + 3 < 16_384 ? 2 : 3;
    const packet = decoder.next() as PublishPacket;
    const body = 3 + section + 3 + bytes;
    assert.equal(packet.packetBytes, 1 + (body < 128 ? 1 : body < 16_384 ? 2 : 3) + body);
  }
});
