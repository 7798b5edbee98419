// SPDX-License-Identifier: Apache-2.0
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { accept, refuse, type Result } from '@sealpost/protocol';

// Argon2id with 19 MiB and two passes (RFC 9106 §4 names the trade-off; the figures follow OWASP's minimum).
const memoryKiB = 19 * 1024;
const passes = 2;
const tagBytes = 32;
/** Longer passwords are refused before hashing; MQTT would allow 65,535 bytes. */
export const passwordBytesMax = 1024;

/** A sign-in that finds this many others waiting is told to come back: Argon2 shares the pool that verifies seals. */
const waitingMax = 64;
/** Places that only those may take who have signed in from the same address before. */
const keptForKnown = 16;
/** Whoever has waited longer is told to come back: its handshake would soon be cut off, and tell it nothing. */
const waitMsMax = 5_000;
const retryAfterSeconds = 5;

export type Derive = (message: Uint8Array, nonce: Uint8Array) => Promise<Buffer>;

export function hashPassword(password: Uint8Array, salt: Uint8Array = randomBytes(16)): Promise<string> {
  return argon2id(password, salt).then(
    (tag) =>
      `argon2id$${memoryKiB}$${passes}$${Buffer.from(salt).toString('base64url')}$${tag.toString('base64url')}`,
  );
}

/** Checks passwords one at a time, and spends the same work on an account that does not exist. */
export class PasswordCheck {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  readonly #decoy: Promise<string>;
  readonly #derive: Derive;
  readonly #clock: { now(): number };

  /** `derive`: to be counted, or replaced by something faster. */
  constructor(derive: Derive = argon2id, clock: { now(): number } = performance) {
    this.#derive = derive;
    this.#clock = clock;
    this.#decoy = hashPassword(randomBytes(16));
    // Nobody may ever wait for it: its failure is that of the sign-in that needs it, not of the process.
    this.#decoy.catch(() => {});
  }

  /**
   * The record that the password belongs to, or undefined. Refused `overloaded`, with nothing checked, when too many
   * sign-ins wait already, or too long. The records have one salt, so however many there are, the work is the same.
   */
  async verify(
    password: Uint8Array,
    records: readonly string[],
    isKnown = false,
  ): Promise<Result<string | undefined>> {
    if (this.#waiting >= (isKnown ? waitingMax : waitingMax - keptForKnown)) return tooBusy('many');
    this.#waiting += 1;
    const untilMs = this.#clock.now() + waitMsMax;
    const verdict = this.#tail.then(async () =>
      this.#clock.now() > untilMs ? tooBusy('long') : accept(await this.#compare(password, records)),
    );
    this.#tail = verdict.catch(() => {}).then(() => (this.#waiting -= 1));
    return verdict;
  }

  async #compare(password: Uint8Array, records: readonly string[]): Promise<string | undefined> {
    const [first = await this.#decoy] = records;
    const actual = await this.#derive(password, Buffer.from(first.split('$')[3] ?? '', 'base64url'));
    let found: string | undefined;
    for (const record of records) {
      const expected = Buffer.from(record.split('$')[4] ?? '', 'base64url');
      if (expected.length === actual.length && timingSafeEqual(expected, actual)) found = record;
    }
    return found;
  }
}

function tooBusy(why: 'many' | 'long'): Result<never> {
  return refuse('overloaded', `sign-ins wait, too ${why}`, retryAfterSeconds);
}

export function argon2id(message: Uint8Array, nonce: Uint8Array): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  argon2(
    'argon2id',
    { message, nonce, parallelism: 1, tagLength: tagBytes, memory: memoryKiB, passes },
    (error, tag) => (error === null ? resolve(tag) : reject(error)),
  );
  return promise;
}
