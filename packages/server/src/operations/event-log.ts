// SPDX-License-Identifier: Apache-2.0
import { createHmac, randomBytes } from 'node:crypto';
import type { Domain } from '@sealpost/protocol';
import type { Answer, Observer, RelayRequest } from '../observe/observer.ts';
import type { Clock } from '../schedule/clock.ts';
import type { Fields, Log } from './log.ts';
import { Throttle } from './throttle.ts';

/** Lines that say the same are written so often at most. */
const repeatedEveryMs = 60_000;
/** Refusals are summed up, however many there are. */
const summaryMs = 10_000;
/** Refused sign-ins with a line of their own between two summaries. */
const signInLinesMax = 20;
const reasonCharactersMax = 200;

/** What an operator has to know, a line each; what comes by the thousand, a line every ten seconds. */
export class EventLog implements Observer {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #throttle = new Throttle(repeatedEveryMs);
  /** Of this start: tells lines of one name from those of another, and nobody which name it is. */
  readonly #key = randomBytes(32);
  readonly #refusals = new Map<string, number>();
  #signInLines = 0;
  #hasRoom = true;
  #isSummarySet = false;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  signedIn(answer: Answer, name: string | undefined): void {
    if (answer === 'ok') {
      if (this.#log.isDebug) this.#log.debug('Signed in.', { event: 'signed-in', ...this.#who(name) });
      return;
    }
    this.#refused('sign-in', answer);
    this.#signInLines += 1;
    if (this.#signInLines > signInLinesMax) return;
    this.#log.warn('A sign-in was refused.', { event: 'sign-in-refused', code: answer, ...this.#who(name) });
  }

  answered(what: 'submission' | 'request', answer: Answer): void {
    if (answer !== 'ok') this.#refused(what, answer);
  }

  peerAnswered(_peer: Domain, what: RelayRequest, answer: Answer): void {
    if (answer !== 'ok') this.#refused(`relay-${what}`, answer);
  }

  accepted(): void {
    // Counted elsewhere.
  }

  happened(): void {
    // Counted elsewhere.
  }

  committed(): void {
    // Counted elsewhere.
  }

  room(hasRoom: boolean): void {
    if (hasRoom === this.#hasRoom) return;
    this.#hasRoom = hasRoom;
    if (hasRoom) this.#log.info('The store takes new messages again.', { event: 'store-writable' });
    else
      this.#log.error('The disk is full or read-only: nothing new is accepted until there is room.', {
        event: 'store-full',
        code: 'storage-full',
      });
  }

  linkUp(peer: Domain): void {
    this.#log.info(`The link to ${peer} is up.`, { event: 'link-up', peer });
  }

  linkDown(peer: Domain, reason: string): void {
    this.#log.warn(`The link to ${peer} is down.`, { event: 'link-down', peer, reason: short(reason) });
  }

  linkFailed(peer: Domain, error: unknown): void {
    const reason = short(messageOf(error));
    this.#seldom(`${peer} ${reason}`, (repeated) =>
      this.#log.warn(`No link to ${peer}; it is tried again.`, {
        event: 'link-failed',
        peer,
        reason,
        ...repeated,
      }),
    );
  }

  fault(error: unknown): void {
    const code = codeOf(error);
    const sentence = messageOf(error);
    this.#seldom(`${code} ${sentence}`, (repeated) =>
      this.#log.error(sentence, { event: 'fault', code, ...repeated, ...stackOf(error) }),
    );
  }

  #seldom(line: string, write: (repeated: { repeated?: number }) => void): void {
    const unwritten = this.#throttle.pass(line, this.#clock.now());
    if (unwritten !== undefined) write(unwritten === 0 ? {} : { repeated: unwritten });
  }

  #who(name: string | undefined): Partial<Fields> {
    if (name === undefined) return {};
    const who = createHmac('sha256', this.#key).update(name).digest('base64url').slice(0, 10);
    return this.#log.isDebug ? { who, name: short(name) } : { who };
  }

  #refused(what: string, code: string): void {
    const name = `${what} ${code}`;
    this.#refusals.set(name, (this.#refusals.get(name) ?? 0) + 1);
    if (this.#isSummarySet) return;
    this.#isSummarySet = true;
    this.#clock.after(summaryMs, () => this.#sumUp());
  }

  #sumUp(): void {
    this.#isSummarySet = false;
    this.#signInLines = 0;
    const refused = Object.fromEntries(this.#refusals);
    this.#refusals.clear();
    this.#log.info(`Refusals of the last ${summaryMs / 1000} seconds.`, { event: 'refusals', refused });
  }
}

function short(text: string): string {
  return text.length > reasonCharactersMax ? `${text.slice(0, reasonCharactersMax)}…` : text;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code === 'string') return code;
  return error instanceof Error ? error.name : 'unknown';
}

/** Where it happened, for what only a mistake in this program throws. */
function stackOf(error: unknown): { stack?: string } {
  const isBug = error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
  return isBug && error.stack !== undefined ? { stack: error.stack } : {};
}
