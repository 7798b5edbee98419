// SPDX-License-Identifier: Apache-2.0
// Listeners of a running domain: raw bytes and structured packets, in every state that a connection can be in.
import type { Packet, UserProperties } from '@sealpost/mqtt';
import { toBase64Url } from '@sealpost/protocol';
import { Random } from '../engine/random.ts';
import { Broken, type Target } from '../target.ts';
import { LiveDomain, pem, signerOf } from './live-domain.ts';
import {
  disconnect,
  encode,
  endingOf,
  hello,
  pingRequest,
  publishOf,
  summary,
  wishes,
  type Ending,
} from './live-packets.ts';
import { accountWords, peerWords } from './live-words.ts';
import { randomPacket, type Words } from './mqtt-packets.ts';
import { MemoryBound } from './memory-bound.ts';
import { bytesOf } from './vectors.ts';
import { Wire, type WireOptions } from './wire.ts';

/** Sessions, retained messages and queues that clients may leave behind are bounded by the listener; this is far below. */
const memoryMegabytesMax = 256;
/** More than the server gives a handler or a handshake. */
const answerMs = 20_000;
/** So few that sessions are resumed and taken over as well. */
const clientIds = 24;
let connections = 0;

/** How a connection comes to where the input begins. */
interface State {
  readonly name: string;
  readonly wire: WireOptions;
  /** Sent one after the other; each waits for its answer. Connections side by side have client ids of their own. */
  readonly before: readonly ((connection: number) => Uint8Array)[];
  /** Sent in front of the input, and not waited for. */
  readonly prefix?: Uint8Array;
  readonly words: Words;
}

export const live: Target = {
  name: 'live',
  invariant:
    'The server answers a whole packet stream or hangs up, speaks only MQTT, reports no bug, keeps its memory bounded; ' +
    'others still get their mail, and what it accepted has evidence and an outcome.',
  inputBytesMax: 8192,
  hangMs: 60_000,
  together: 8,
  async open() {
    const domain = await LiveDomain.open();
    const states = await statesOf(domain);
    const random = new Random(1);
    const memory = new MemoryBound(memoryMegabytesMax);
    const vary = (input: Uint8Array, by: Random): Uint8Array =>
      stream(by, states, by.chance(2) ? input[0] : undefined);
    return {
      seeds: states.flatMap((_, at) => Array.from({ length: 3 }, () => stream(random, states, at))),
      dictionary: states.flatMap(({ words }) => words.topics.map(bytesOf)),
      vary,
      run: (input) => run(input, states, domain),
      check: async () => {
        await domain.check();
        memory.check();
      },
      close: () => domain.close(),
    };
  },
};

function stream(random: Random, states: readonly State[], wanted?: number): Uint8Array {
  const at = (wanted ?? random.below(states.length)) % states.length;
  const { wire, words } = states[at] ?? states[0] ?? { wire: { version: 5 as const }, words: undefined };
  if (random.chance(12)) return Buffer.concat([Uint8Array.of(at), random.bytes(random.size(300))]);
  const packets = Array.from({ length: random.between(1, 5) }, () =>
    randomPacket(random, wire.version, words),
  );
  return Buffer.concat([Uint8Array.of(at), ...packets]);
}

async function run(input: Uint8Array, states: readonly State[], domain: LiveDomain): Promise<string> {
  const state = states[(input[0] ?? 0) % states.length];
  if (state === undefined) return 'no state';
  const body = Buffer.concat([state.prefix ?? new Uint8Array(0), input.subarray(1)]);
  const { ending, version } = endingIn(body, state);
  const wire = await Wire.open({ ...state.wire, version });
  const patience = setTimeout(() => wire.giveUp(new Broken(`${state.name}: no answer and no end`)), answerMs);
  try {
    const connection = connections++ % clientIds;
    for (const packet of state.before) {
      const seen = wire.packets.length;
      wire.send(packet(connection));
      const answer = await wire.until(['connack', 'suback', 'puback', 'pubrec', 'disconnect'], seen);
      if (answer === undefined) return `${state.name}: not reached`;
    }
    const seen = wire.packets.length;
    wire.send(body);
    if (ending === 'whole') wire.send(pingRequest);
    else if (ending === 'cut') wire.end();
    await wire.until(ending === 'whole' ? ['pingresp'] : [], seen);
    const answers = wire.packets.slice(seen);
    for (const answer of answers) noteAccepted(answer, state, domain);
    return `${state.name}: ${ending} ${summary(answers)}`;
  } finally {
    clearTimeout(patience);
    wire.destroy();
  }
}

/** Bytes where TLS is spoken: only the end of the connection can be awaited. */
function endingIn(body: Uint8Array, { before, wire }: State): Ending {
  if (wire.isMqtt === false) return { ending: 'cut', version: wire.version };
  return endingOf(body, wire.version, before.length === 0);
}

function noteAccepted(packet: Packet, { name }: State, domain: LiveDomain): void {
  if (packet.type !== 'puback' || packet.reasonCode >= 0x80 || name.startsWith('relay')) return;
  const accepted = packet.userProperties?.find(([key]) => key === 'id')?.[1];
  if (accepted !== undefined) domain.accepted(accepted);
}

async function statesOf(domain: LiveDomain): Promise<State[]> {
  const { home, evil, credential } = domain;
  const { certificate: cert, key } = pem(credential);
  const link = pem(evil.link);
  const secure = { port: home.mqtts.port, tls: { cert, key } };
  const relay = { port: home.relay.port, tls: { cert: link.certificate, key: link.key } };
  const account = await accountWords(signerOf(credential));
  const peer = await peerWords(evil.seal);
  const inbox = encode(
    {
      type: 'subscribe',
      packetId: 9,
      properties: {},
      subscriptions: wishes(['mail/inbox/#', 'mail/evidence/#', 'mail/mailbox/answer/#', '#']),
    },
    5,
  );
  const first = publishOf('mail/to/mallory@home.test', 1, 7);
  const introduction: UserProperties = [
    ['time', String(Date.now())],
    ['domain-seal', evil.seal.chain.map(toBase64Url).join('.')],
  ];
  const mqtt = { words: account };
  return [
    { ...mqtt, name: 'fresh', wire: { port: home.mqtt.port, version: 5 }, before: [] },
    { ...mqtt, name: 'fresh, certificate', wire: { ...secure, version: 5 }, before: [] },
    { ...mqtt, name: 'tls', wire: { port: home.mqtts.port, version: 5, isMqtt: false }, before: [] },
    { ...mqtt, name: 'connected', wire: { ...secure, version: 5 }, before: [(n) => hello(5, `c${n}`)] },
    { ...mqtt, name: 'connected 3.1.1', wire: { ...secure, version: 4 }, before: [(n) => hello(4, `c${n}`)] },
    {
      ...mqtt,
      name: 'subscribed',
      wire: { ...secure, version: 5 },
      before: [(n) => hello(5, `c${n}`), () => inbox],
    },
    {
      ...mqtt,
      name: 'in flight',
      wire: { ...secure, version: 5 },
      before: [(n) => hello(5, `c${n}`), () => inbox, () => first],
    },
    {
      ...mqtt,
      name: 'after DISCONNECT',
      wire: { ...secure, version: 5 },
      before: [(n) => hello(5, `c${n}`)],
      prefix: disconnect,
    },
    {
      ...mqtt,
      name: 'password',
      wire: { port: home.mqtt.port, version: 5 },
      before: [() => hello(5, 'with password', { isWithPassword: true })],
    },
    { ...mqtt, name: 'relay fresh', wire: { ...relay, version: 5 }, before: [], words: peer },
    {
      ...mqtt,
      name: 'relay tls',
      wire: { port: home.relay.port, version: 5, isMqtt: false },
      before: [],
      words: peer,
    },
    {
      ...mqtt,
      name: 'relay',
      wire: { ...relay, version: 5 },
      before: [() => hello(5, evil.domain, { userProperties: introduction })],
      words: peer,
    },
    {
      ...mqtt,
      name: 'relay subscribed',
      wire: { ...relay, version: 5 },
      before: [
        () => hello(5, evil.domain, { userProperties: introduction }),
        () =>
          encode(
            { type: 'subscribe', packetId: 9, properties: {}, subscriptions: wishes(['mail/relay/#']) },
            5,
          ),
      ],
      words: peer,
    },
  ];
}
