// SPDX-License-Identifier: Apache-2.0
// The WebSocket listeners of a running domain: handshakes, frames, and packets in frames, in every state of a connection.
import { ProtocolError, strictCodec, type Packet, type ProtocolVersion } from '@sealpost/mqtt';
import { connectLink } from '@sealpost/mqtt/link';
import { connectWebSocket } from '@sealpost/mqtt/web';
import { Random } from '../engine/random.ts';
import { Broken, holds, type Target } from '../target.ts';
import { Held } from './held.ts';
import { randomRequest, readRequest, readResponse } from './http-text.ts';
import { LiveDomain, mallory, password, signerOf } from './live-domain.ts';
import {
  disconnect,
  encode,
  endingOf,
  hello,
  pingRequest,
  publishOf,
  summary,
  wishes,
} from './live-packets.ts';
import { accountWords } from './live-words.ts';
import { MemoryBound } from './memory-bound.ts';
import { randomPacket, type Words } from './mqtt-packets.ts';
import { mannerOf, randomManner, RawConnection, type Manner } from './raw-connection.ts';
import { bytesOf } from './vectors.ts';
import { holdsAnswer, holdsUpgraded, httpWords, isProper, isStrange, upgrade } from './web-handshake.ts';
import { clientFrame, CloseCode, hear, Opcode, randomFrames, readServer, type Heard } from './web-frames.ts';

const memoryMegabytesMax = 256;
/** More than the server gives a handler or a handshake. */
const answerMs = 20_000;
/** Ten seconds for the request, ten for CONNECT, two for the end, and a slow machine. */
const unknownMsMax = 30_000;
/** Two seconds for the end, and a slow machine. */
const endMsMax = 12_000;
/** So few that sessions are resumed and taken over as well. */
const clientIds = 24;
let connections = 0;

/** How a connection comes to where the input begins. */
interface State {
  readonly name: string;
  /** What the input is. */
  readonly input: 'bytes' | 'frames' | 'request';
  readonly isSecure: boolean;
  readonly version: ProtocolVersion;
  /** Packets, sent one after the other; each waits for its answer. */
  readonly before: readonly ((connection: number) => Uint8Array)[];
  /** Frames in front of the input, not waited for. */
  readonly prefix?: Uint8Array;
}

interface Peer {
  readonly connection: RawConnection;
  readonly manner: Manner;
  readonly name: string;
}

export const webSocket: Target = {
  name: 'web-socket',
  invariant:
    'Only a proper handshake from an allowed page becomes a WebSocket; the server answers a whole packet stream however ' +
    'it is framed, closes with the right code, leaves no connection behind, reports no bug; others still get their mail.',
  inputBytesMax: 12_288,
  hangMs: 60_000,
  together: 8,
  async open() {
    const domain = await LiveDomain.open();
    const words = await accountWords(signerOf(domain.credential));
    const states = statesOf();
    // Now the two domains are linked, and no connection is added by itself.
    await domain.check();
    const held = new Held();
    const memory = new MemoryBound(memoryMegabytesMax);
    const random = new Random(1);
    const input = (by: Random, at: number): Uint8Array => randomInput(by, states, at % states.length, words);
    return {
      seeds: states.flatMap((_, at) => Array.from({ length: 3 }, () => input(random, at))),
      dictionary: httpWords.others.map(([name, value]) => bytesOf(`${name}: ${value}\r\n`)),
      vary: (old, by) => input(by, by.chance(2) ? (old[0] ?? 0) : by.below(states.length)),
      run: (bytes) => run(bytes, states, domain, held),
      async check() {
        await domain.check();
        await webClientIsServed(domain);
        await held.check();
        memory.check();
      },
      async close() {
        held.close();
        await domain.close();
      },
    };
  },
};

/** Connections side by side have client ids of their own. */
function greet(version: ProtocolVersion): (connection: number) => Uint8Array {
  return (connection) => hello(version, `w${connection}`, { isWithPassword: true });
}

function statesOf(): State[] {
  const usual = { input: 'frames', isSecure: false, version: 5, before: [] } as const;
  const inbox = encode(
    {
      type: 'subscribe',
      packetId: 9,
      properties: {},
      subscriptions: wishes(['mail/inbox/#', 'mail/evidence/#', '#']),
    },
    5,
  );
  const connected = [greet(5)];
  const subscribed = [...connected, () => inbox];
  return [
    { ...usual, name: 'request', input: 'request' },
    { ...usual, name: 'request, tls', input: 'request', isSecure: true },
    { ...usual, name: 'bytes, tls', input: 'bytes', isSecure: true },
    { ...usual, name: 'open' },
    { ...usual, name: 'open, tls', isSecure: true },
    { ...usual, name: 'connected', before: connected },
    { ...usual, name: 'connected, tls', before: connected, isSecure: true },
    { ...usual, name: 'connected 3.1.1', before: [greet(4)], version: 4 },
    { ...usual, name: 'subscribed', before: subscribed },
    {
      ...usual,
      name: 'in flight',
      before: [...subscribed, () => publishOf('mail/to/mallory@home.test', 1, 7)],
    },
    {
      ...usual,
      name: 'after DISCONNECT',
      before: connected,
      prefix: clientFrame(Opcode.binary, disconnect),
    },
    {
      ...usual,
      name: 'after Close',
      before: connected,
      prefix: clientFrame(Opcode.close, new Uint8Array(0)),
    },
  ];
}

function randomInput(random: Random, states: readonly State[], at: number, words: Words): Uint8Array {
  const head = Uint8Array.of(at, randomManner(random));
  const { input, version } = states[at] ?? { input: 'bytes', version: 5 };
  if (input === 'bytes' || random.chance(24)) return Buffer.concat([head, random.bytes(random.size(300))]);
  const packets = Array.from({ length: random.between(1, 4) }, () => randomPacket(random, version, words));
  const frames = randomFrames(random, Buffer.concat(packets));
  if (input === 'frames') return Buffer.concat([head, frames]);
  const requests = Array.from({ length: random.chance(6) ? 2 : 1 }, () => randomRequest(random, httpWords));
  return Buffer.concat([head, ...requests, random.chance(2) ? frames : new Uint8Array(0)]);
}

async function run(
  input: Uint8Array,
  states: readonly State[],
  domain: LiveDomain,
  held: Held,
): Promise<string> {
  const state = states[(input[0] ?? 0) % states.length];
  if (state === undefined) return 'no state';
  const { isSecure, name } = state;
  const manner = mannerOf(input[1] ?? 0);
  const { ws, wss } = domain.home;
  const connection = await RawConnection.open({
    port: (isSecure ? wss : ws)?.port ?? 0,
    isSecure: isSecure && state.input !== 'bytes',
    isHalfOpen: manner === 'half-open',
  });
  const patience = setTimeout(
    () => connection.giveUp(new Broken(`${name}: no answer, and no end of the connection`)),
    answerMs,
  );
  const peer = { connection, manner, name };
  const keep = (withinMs: number): boolean => held.keep(connection, `${name}, ${manner}`, withinMs);
  const body = Buffer.from(input.subarray(2));
  let outcome: Outcome | undefined;
  try {
    outcome = await {
      bytes: () => tryBytes(peer, body),
      frames: () => tryFrames(peer, body, state, domain),
      request: () => tryRequest(peer, body, state, domain),
    }[state.input]();
    const isLeft = outcome.keepMs !== undefined && keep(outcome.keepMs);
    if (!isLeft) connection.destroy();
    return `${name}: ${manner} ${outcome.text}`;
  } finally {
    clearTimeout(patience);
    if (outcome === undefined) connection.destroy();
  }
}

interface Outcome {
  readonly text: string;
  /** The server has to end it within this time, and the peer does nothing about it. */
  readonly keepMs?: number;
}

/** Where TLS is spoken. */
async function tryBytes({ connection, manner }: Peer, body: Buffer): Promise<Outcome> {
  await connection.send(body, manner);
  if (manner === 'reset') return resetNow(connection);
  if (manner === 'patient') return { text: 'waits', keepMs: unknownMsMax };
  connection.end();
  await connection.until(never);
  return { text: 'ended' };
}

function resetNow(connection: RawConnection): Outcome {
  connection.reset();
  return { text: 'gone' };
}

function never(): undefined {
  return undefined;
}

async function tryFrames(peer: Peer, body: Buffer, state: State, domain: LiveDomain): Promise<Outcome> {
  const { connection } = peer;
  await connection.send(upgrade);
  const at = await connection.until((bytes) => readResponse(bytes, 0, false)?.end);
  holds(at !== undefined, 'a proper handshake is refused');
  holdsUpgraded(connection.received, upgrade);
  const number = connections++ % clientIds;
  for (const packet of state.before) {
    const seen = packetsIn(connection.received, at, state.version).length;
    await connection.send(clientFrame(Opcode.binary, packet(number)));
    const answer = await connection.until((bytes) =>
      packetsIn(bytes, at, state.version)
        .slice(seen)
        .find(({ type }) => ['connack', 'suback', 'puback', 'pubrec', 'disconnect'].includes(type)),
    );
    if (answer === undefined) return { text: 'not reached' };
  }
  const bytes = Buffer.concat([state.prefix ?? new Uint8Array(0), body]);
  await connection.send(bytes, peer.manner);
  return talk(peer, bytes, { at, isFresh: state.before.length === 0, state, domain });
}

interface Place {
  /** Where the server's frames begin. */
  readonly at: number;
  readonly isFresh: boolean;
  readonly state: State;
  readonly domain: LiveDomain;
}

/** These frames were sent; the server has to answer them, or to end it. */
async function talk(peer: Peer, bytes: Buffer, place: Place): Promise<Outcome> {
  const { connection, manner } = peer;
  const { at, isFresh, state } = place;
  if (manner === 'reset') return resetNow(connection);
  const heard = hear(bytes);
  const { ending, version } = endingOf(heard.stream, state.version, isFresh);
  const mustEnd = typeof heard.end === 'number' || ending === 'bad';
  const text = `${mustEnd ? 'bad' : heard.end} ${ending}`;
  if (manner === 'half-open' && mustEnd) return { text, keepMs: endMsMax };
  if (manner === 'patient' && (mustEnd || (isFresh && ending === 'cut')))
    return { text, keepMs: unknownMsMax };
  const closeCode = (received: Buffer): number | undefined => readServer(received.subarray(at)).closeCode;
  const pongs = (received: Buffer): number =>
    packetsIn(received, at, version).filter(({ type }) => type === 'pingresp').length;
  if (mustEnd) {
    // The server is the first to end it.
  } else if (heard.end === 'cut') connection.end();
  else if (ending === 'cut') await connection.send(closeFrame(CloseCode.normal));
  else {
    const before = pongs(connection.received);
    await connection.send(clientFrame(Opcode.binary, pingRequest));
    await connection.until((bytes) => (pongs(bytes) > before ? true : closeCode(bytes)));
  }
  const isGoingOn =
    !mustEnd && heard.end === 'open' && ending === 'whole' && closeCode(connection.received) === undefined;
  if (!isGoingOn) {
    await connection.until(closeCode);
    connection.end();
    await connection.until(never);
  }
  holdsRight(connection.received.subarray(at), heard, ending);
  const answers = packetsIn(connection.received, at, version);
  for (const answer of answers) noteAccepted(answer, place.domain);
  return { text: `${text} ${summary(answers)}` };
}

function closeFrame(code: number): Uint8Array {
  return clientFrame(Opcode.close, Uint8Array.of(code >> 8, code & 0xff));
}

function holdsRight(received: Buffer, { end, pings }: Heard, ending: 'bad' | 'cut' | 'whole'): void {
  const { closeCode, pongs } = readServer(received);
  holds(
    pongs.every((pong) => pings.includes(pong)),
    'a pong for no ping',
  );
  const cutCodes = [CloseCode.protocol, CloseCode.unsupported, CloseCode.tooBig];
  const allowed: number[] = [CloseCode.normal, ...(typeof end === 'number' ? [end] : cutCodes)];
  // A close without a code is answered without one.
  if (end === CloseCode.normal) allowed.push(0);
  holds(closeCode === undefined || allowed.includes(closeCode), `closed with ${closeCode}, not ${end}`);
  if (typeof end === 'number' && ending !== 'bad') holds(closeCode !== undefined, `closed without ${end}`);
}

/** Throws where the server sends what is not MQTT. */
function packetsIn(received: Buffer, at: number, version: ProtocolVersion): Packet[] {
  const { stream } = readServer(received.subarray(at));
  const decoder = strictCodec.createDecoder({ role: 'client', version, maximumPacketSize: 1 << 20 });
  const packets: Packet[] = [];
  try {
    decoder.feed(new Uint8Array(stream));
    for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) packets.push(packet);
  } catch (error) {
    if (error instanceof ProtocolError)
      throw new Broken(`the server sends what is not MQTT: ${error.message}`);
    throw error;
  }
  return packets;
}

function noteAccepted(packet: Packet, domain: LiveDomain): void {
  if (packet.type !== 'puback' || packet.reasonCode >= 0x80) return;
  const accepted = packet.userProperties?.find(([name]) => name === 'id')?.[1];
  if (accepted !== undefined) domain.accepted(accepted);
}

async function tryRequest(peer: Peer, body: Buffer, state: State, domain: LiveDomain): Promise<Outcome> {
  const { connection, manner } = peer;
  await connection.send(body, manner);
  if (manner === 'reset') return resetNow(connection);
  const request = readRequest(body, 0);
  if (typeof request === 'string' || isStrange(request)) {
    const kind = typeof request === 'string' ? request : 'odd';
    if (manner === 'patient') return { text: kind, keepMs: unknownMsMax };
    connection.end();
    await connection.until(never);
    return { text: `${kind} ${holdsAnswer(connection.received, body)}` };
  }
  const answer = await connection.until((bytes) => readResponse(bytes, 0, connection.isEnded));
  if (answer === undefined) {
    // What stands behind a request and is none may end the connection before the request is answered.
    holds(!isProper(request) && body.length > request.end, 'a request is not answered');
    return { text: 'unheard' };
  }
  const status = holdsAnswer(connection.received, body);
  if (status === 101)
    return talk(peer, body.subarray(request.end), { at: answer.end, isFresh: true, state, domain });
  holds(!isProper(request), `${status} for a proper handshake`);
  if (manner === 'half-open') return { text: `${status}`, keepMs: endMsMax };
  await connection.until(never);
  return { text: `${status}` };
}

/** Over the standard WebSocket, while connections that were not ended are still there. */
async function webClientIsServed({ home }: LiveDomain): Promise<void> {
  const link = await connectLink(await connectWebSocket({ url: `ws://127.0.0.1:${home.ws?.port}/mqtt` }), {
    clientId: 'check',
    cleanStart: true,
    keepAliveSeconds: 60,
    username: mallory,
    password: bytesOf(password),
    onPublish: () => ({ reasonCode: 0 }),
  });
  const codes = await link.subscribe([{ filter: 'a/check', qos: 1 }]);
  holds(codes[0] === 1, `a client over WebSocket is refused a subscription: ${codes[0]}`);
  link.end();
  await link.closed;
}
