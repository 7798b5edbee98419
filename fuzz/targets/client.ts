// SPDX-License-Identifier: Apache-2.0
// The SDK, and a server that means it no good: what comes behind a sign-in, or instead of one.
import { connect, SealpostError, type Client } from '@sealpost/client';
import { staticAnchors } from '@sealpost/identity';
import { createAuthority, nodeCrypto } from '@sealpost/identity/node';
import { ProtocolError, strictCodec, type Packet, type Publish, type UserProperties } from '@sealpost/mqtt';
import type { Transport } from '@sealpost/mqtt/link';
import {
  makeEvidence,
  makeSeal,
  newMessageId,
  toBase64Url,
  withChain,
  type Claims,
  type PublicKey,
  type Seal,
  type Signer,
} from '@sealpost/protocol';
import { Random } from '../engine/random.ts';
import { Broken, holds, type Target } from '../target.ts';
import { addressOf, domainOf, signerOf } from './live-domain.ts';
import { randomPacket, type Words } from './mqtt-packets.ts';
import { bytesOf } from './vectors.ts';

const reader = addressOf('desk@home.test');
const writer = addressOf('alice@home.test');
const sealedBody = bytesOf('sealed');

/** Everything the server could honestly have: the fuzzer may repeat it, and nothing else may pass for genuine. */
interface Honest {
  readonly welcome: UserProperties;
  readonly seal: Seal;
  readonly key: PublicKey;
  readonly words: Words;
  readonly anchors: ReturnType<typeof staticAnchors>;
  /** Deliveries that are right in every detail. */
  readonly genuine: readonly [Delivery, ...Delivery[]];
}

type Delivery = Pick<Publish, 'topic' | 'payload' | 'userProperties'>;

export const client: Target = {
  name: 'client',
  invariant:
    'Whatever a server sends, calls of the SDK end, and only with SealpostError; nothing passes as verified but what ' +
    'was sealed or signed.',
  inputBytesMax: 8192,
  hangMs: 8000,
  async open() {
    const honest = await honestParts();
    const random = new Random(1);
    return {
      seeds: Array.from({ length: 40 }, () => conversation(random, honest)),
      dictionary: [...honest.words.properties.flat(), ...answers]
        .map(bytesOf)
        .filter(({ length }) => length < 200),
      vary: (input, by) => (by.chance(2) ? conversation(by, honest) : answerChanged(input, by)),
      run: (input) => run(input, honest),
    };
  },
};

async function honestParts(): Promise<Honest> {
  const authority = await createAuthority(domainOf('home.test'));
  const [domainSeal, account] = await Promise.all([
    authority.issueDomainSeal(),
    authority.issueAccount({ address: writer, kind: 'person' }),
  ]);
  const signer = signerOf(domainSeal);
  const seal = await sealOf(signerOf(account));
  const evidence = await makeEvidence({
    statement: {
      events: [10, 12],
      digest: seal.digest,
      id: seal.claims.id,
      recipient: reader,
      observedAt: seal.claims.issuedAt,
      nonce: new Uint8Array(16),
    },
    signer,
  });
  const { id } = seal.claims;
  const sealed = toBase64Url(withChain(seal.bytes, seal.chain));
  const signed = toBase64Url(evidence.bytes);
  return {
    seal,
    key: signer.certificate.key,
    anchors: staticAnchors([authority.anchor]),
    genuine: [
      {
        topic: `mail/inbox/flash/${writer}`,
        payload: sealedBody,
        userProperties: [
          ['id', id],
          ['from', writer],
          ['precedence', 'flash'],
          ['seal', sealed],
          ['trust', 'origin; anchor=static'],
        ],
      },
      {
        topic: `mail/evidence/${id}/delivered`,
        payload: bytesOf('delivered'),
        userProperties: [['evidence', signed]],
      },
    ],
    welcome: [
      ['time', String(Date.now())],
      ['domain-seal', signer.chain.map(toBase64Url).join('.')],
    ],
    words: {
      topics: [
        `mail/inbox/flash/${writer}`,
        `mail/inbox/flash/${writer}`,
        `mail/inbox/routine/${reader}`,
        `mail/evidence/${id}/delivered`,
        `mail/evidence/${id}/fetched`,
        'mail/mailbox/answer/0',
        'mail/to/a@b',
        'x',
      ],
      filters: ['#'],
      properties: [
        ['seal', sealed],
        ['seal', sealed],
        ['evidence', signed],
        ['id', id],
        ['id', '01a20b03-7b6b-7d4a-8e18-620a6ceca901'],
        ['from', writer],
        ['trust', 'origin; anchor=static'],
        ['lane', 'flash'],
        ['precedence', 'flash'],
        ['error', 'overloaded'],
        ['error', 'constructor'],
        ['retry-after', '5'],
        ['retry-after', '99999999999'],
      ],
      bodies: [sealedBody, new Uint8Array(0), bytesOf('text')],
    },
  };
}

function sealOf(signer: Signer): Promise<Seal> {
  const issuedAt = Math.floor(Date.now() / 1000);
  const claims: Claims = {
    issuer: writer,
    audience: reader,
    issuedAt,
    expires: issuedAt + 7 * 86_400,
    id: newMessageId(Date.now(), nodeCrypto.randomBytes(10)),
    precedence: 4,
    class: 'ordinary',
    ask: [],
  };
  return makeSeal({
    claims,
    contentType: 'text/plain;charset=utf-8',
    body: sealedBody,
    signer,
    crypto: nodeCrypto,
  });
}

/** What a question to the store may be answered with. */
const answers = [
  '{"ok":true,"id":"01a20b03-7b6b-7d4a-8e18-620a6ceca901","recipient":"desk@home.test","state":"consigned","evidence":[{"events":["delivered"],"at":1,"signed":"AA"}]}',
  '{"ok":true,"id":1,"recipient":null,"state":[],"evidence":{}}',
  '{"ok":true,"evidence":[null,1,"a",[],{"events":1,"signed":{}}]}',
  '{"ok":false,"error":"message-unknown"}',
  '{"ok":false,"error":{"a":1}}',
  'null',
  '[',
];

/** An input: how it begins, the length of an answer, the answer, then what the server sends. */
function conversation(random: Random, honest: Honest): Uint8Array {
  const { words, welcome } = honest;
  const isSignedIn = !random.chance(5);
  const answer = bytesOf(random.pick(answers) ?? '');
  const packets = Array.from({ length: random.between(1, 5) }, () =>
    random.chance(6) ? randomPacket(random, 5, words) : delivery(random, honest),
  );
  if (!isSignedIn && random.chance(2)) packets.unshift(connack(welcome));
  return Buffer.concat([
    Uint8Array.of((isSignedIn ? 1 : 0) | (random.below(4) << 1), answer.length),
    answer,
    ...packets,
  ]);
}

/** Mail or evidence as an honest server would bring it, but for a detail. */
function delivery(random: Random, { words, genuine }: Honest): Uint8Array {
  const { topic, payload, userProperties } = random.pick(genuine);
  const own = [...userProperties];
  if (random.chance(3)) own.splice(random.below(own.length), 1);
  // In front, where it hides another of the same name, or behind.
  if (random.chance(3))
    own.splice(random.chance(2) ? 0 : own.length, 0, random.pick(words.properties) ?? ['a', 'b']);
  return encode({
    type: 'publish',
    topic: random.chance(6) ? (random.pick(words.topics) ?? topic) : topic,
    payload: random.chance(6) ? random.bytes(random.size(20)) : payload,
    qos: random.chance(4) ? 0 : 1,
    packetId: random.between(1, 60),
    dup: false,
    retain: random.chance(8),
    packetBytes: 0,
    userProperties: own,
  });
}

function answerChanged(input: Uint8Array, random: Random): Uint8Array {
  const copy = new Uint8Array(input);
  const length = Math.min(copy[1] ?? 0, copy.length - 2);
  if (length > 0)
    copy[2 + random.below(length)] = random
      .pick(['"', '{', '[', ',', '1', 'a', '\\', '}', '-'])
      .charCodeAt(0);
  return copy;
}

function connack(userProperties: UserProperties): Uint8Array {
  return encode({ type: 'connack', sessionPresent: false, reasonCode: 0, properties: { userProperties } });
}

function encode(packet: Packet): Uint8Array {
  return strictCodec.encode(packet, 5).slice();
}

/** The other end of the SDK's connection: answers as it should what the SDK asks, then sends what the input says. */
class EvilServer implements Transport {
  onData: (bytes: Uint8Array) => void = () => undefined;
  onClose: (error?: Error) => void = () => undefined;
  onDrain: () => void = () => undefined;
  readonly bufferedBytes = 0;
  readonly #decoder = strictCodec.createDecoder({ role: 'server', maximumPacketSize: 1 << 20 });
  readonly #welcome: UserProperties;
  readonly #mode: number;
  readonly #isHonestAtFirst: boolean;
  readonly #answer: Uint8Array;
  readonly #stream: Uint8Array;
  #isClosed = false;
  #isPaused = false;
  #waiting: Uint8Array[] = [];
  malformed: unknown;

  constructor(input: Uint8Array, welcome: UserProperties) {
    const length = Math.min(input[1] ?? 0, Math.max(0, input.length - 2));
    this.#welcome = welcome;
    this.#mode = input[0] ?? 0;
    this.#isHonestAtFirst = (this.#mode & 1) === 1;
    this.#answer = input.slice(2, 2 + length);
    this.#stream = input.slice(2 + length);
  }

  send(bytes: Uint8Array): void {
    this.#decoder.feed(new Uint8Array(bytes));
    try {
      for (let packet = this.#decoder.next(); packet !== undefined; packet = this.#decoder.next())
        this.#receive(packet);
    } catch (error) {
      this.malformed = error;
    }
  }

  #receive(packet: Packet): void {
    if (packet.type === 'connect') this.#reply(this.#isHonestAtFirst ? connack(this.#welcome) : this.#stream);
    if (packet.type === 'subscribe') {
      const reasonCodes = packet.subscriptions.map(({ qos }) => qos);
      this.#reply(encode({ type: 'suback', packetId: packet.packetId, reasonCodes, properties: {} }));
    }
    if (packet.type === 'publish' && packet.topic.startsWith('mail/to/'))
      this.#acknowledge(packet.packetId ?? 1);
    if (packet.type !== 'publish' || packet.topic !== 'mail/mailbox/query') return;
    this.#reply(encode({ type: 'puback', packetId: packet.packetId ?? 1, reasonCode: 0 }));
    const { responseTopic = 'x', correlationData = new Uint8Array(0) } = packet;
    const answer = { topic: responseTopic, correlationData, payload: this.#answer, userProperties: [] };
    this.#reply(encode({ type: 'publish', qos: 0, retain: false, dup: false, packetBytes: 0, ...answer }));
  }

  /** To a submission, in one of four ways that the first byte chooses. */
  #acknowledge(packetId: number): void {
    const evidence = this.#answer.length > 0 ? toBase64Url(this.#answer) : '%';
    const [reasonCode, userProperties] = (
      [
        [0, [['evidence', evidence]]],
        [
          0x97,
          [
            ['error', 'overloaded'],
            ['retry-after', '1e9'],
          ],
        ],
        [0x83, [['error', '__proto__']]],
        [0, []],
      ] as const
    )[(this.#mode >> 1) & 3] ?? [0, []];
    this.#reply(encode({ type: 'puback', packetId, reasonCode, userProperties }));
  }

  /** Never from within `send`: a network is not that fast. */
  #reply(bytes: Uint8Array): void {
    queueMicrotask(() => this.#deliver(bytes));
  }

  attack(): void {
    if (this.#isHonestAtFirst) this.#deliver(this.#stream);
  }

  #deliver(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#isPaused) this.#waiting.push(bytes);
    else this.onData(bytes.slice());
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    for (const bytes of this.#waiting.splice(0)) this.#deliver(bytes);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    queueMicrotask(() => this.onClose());
  }

  destroy(): void {
    this.close();
  }
}

async function run(input: Uint8Array, honest: Honest): Promise<string> {
  const server = new EvilServer(input, honest.welcome);
  const outcomes: string[] = [];
  const connecting = connect({
    account: reader,
    password: 'x',
    crypto: nodeCrypto,
    anchors: honest.anchors,
    dial: () => Promise.resolve(server),
    // A second connection would be another input.
    failFast: true,
  });
  let isConnected = false;
  const hangUp = turns(4).then(() => isConnected || server.destroy());
  const sdk = await connecting.catch((error: unknown) => noted(error, outcomes));
  isConnected = true;
  await hangUp;
  if (sdk !== undefined) await use(sdk, server, honest, outcomes);
  server.destroy();
  if (server.malformed !== undefined && !(server.malformed instanceof ProtocolError)) throw server.malformed;
  holds(server.malformed === undefined, `the SDK sends what is not MQTT: ${String(server.malformed)}`);
  return [...new Set(outcomes)].toSorted().join(', ');
}

/** Anything but SealpostError is a finding. */
function noted(error: unknown, outcomes: string[]): undefined {
  if (!(error instanceof SealpostError)) throw error;
  outcomes.push(error.code);
}

async function use(sdk: Client, server: EvilServer, honest: Honest, outcomes: string[]): Promise<void> {
  const note = (error: unknown): undefined => noted(error, outcomes);
  const reading = readMessages(sdk, honest, outcomes).catch(note);
  const hearing = hear(sdk, honest, outcomes).catch(note);
  const sending = sdk
    .send({ to: writer, body: 'x', ask: ['delivered'] })
    .then(() => outcomes.push('sent'), note);
  const tracing = sdk.trace(honest.seal.claims.id).then(({ evidence }) => {
    holds(
      evidence.every(({ verified }) => !verified.ok),
      'evidence of a trace verifies that was never signed',
    );
    outcomes.push('trace');
  }, note);
  // Subscriptions and questions are out; now the server shows what it is.
  await turns(2);
  server.attack();
  // Checks of signatures take turns in the same threads, so that one that comes later ends later.
  for (let check = 0; check < 3; check++) await nodeCrypto.verify(honest.key, sealedBody, new Uint8Array(64));
  await turns(2);
  server.destroy();
  await Promise.all([reading, hearing, sending, tracing, sdk.closed]);
}

/** Of the event loop. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function readMessages(sdk: Client, { seal }: Honest, outcomes: string[]): Promise<void> {
  for await (const message of sdk.messages()) {
    outcomes.push(message.verified.ok ? 'verified message' : `message ${message.verified.refusal.code}`);
    if (!message.verified.ok) {
      if (message.claims !== undefined) throw new Broken('claims without a seal that verified');
      continue;
    }
    holds(
      message.id === seal.claims.id && message.from === writer,
      'a message verifies that was never sealed',
    );
    holds(Buffer.from(message.body).equals(sealedBody), 'another body verifies');
  }
}

async function hear(sdk: Client, { seal }: Honest, outcomes: string[]): Promise<void> {
  for await (const { id, verified } of sdk.evidence()) {
    outcomes.push(verified.ok ? 'verified evidence' : `evidence ${verified.refusal.code}`);
    if (verified.ok) holds(id === seal.claims.id, 'evidence verifies that was never signed');
  }
}
