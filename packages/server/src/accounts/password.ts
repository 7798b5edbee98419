// SPDX-License-Identifier: Apache-2.0
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';

// Argon2id with 19 MiB and two passes (RFC 9106 §4 names the trade-off; the figures follow OWASP's minimum).
const memoryKiB = 19 * 1024;
const passes = 2;
const tagBytes = 32;
/** Longer passwords are refused before hashing; MQTT would allow 65,535 bytes. */
export const passwordBytesMax = 1024;

/** A sign-in that finds this many others waiting is told to come back: Argon2 shares the pool that verifies seals. */
const waitingMax = 64;

export function hashPassword(password: Uint8Array): Promise<string> {
  const salt = randomBytes(16);
  return derive(password, salt).then(
    (tag) => `argon2id$${memoryKiB}$${passes}$${salt.toString('base64url')}$${tag.toString('base64url')}`,
  );
}

/** Checks passwords one at a time, and spends the same work on an account that does not exist. */
export class PasswordCheck {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  readonly #decoy: Promise<string>;

  constructor() {
    this.#decoy = hashPassword(randomBytes(16));
    // Nobody may ever wait for it: its failure is that of the sign-in that needs it, not of the process.
    this.#decoy.catch(() => {});
  }

  /** Resolves to undefined when too many sign-ins wait already. */
  verify(password: Uint8Array, record: string | undefined): Promise<boolean> | undefined {
    if (this.#waiting >= waitingMax) return undefined;
    this.#waiting += 1;
    const verdict = this.#tail.then(() => this.#compare(password, record));
    this.#tail = verdict.catch(() => {}).then(() => (this.#waiting -= 1));
    return verdict;
  }

  async #compare(password: Uint8Array, record: string | undefined): Promise<boolean> {
    const fields = (record ?? (await this.#decoy)).split('$');
    const salt = Buffer.from(fields[3] ?? '', 'base64url');
    const expected = Buffer.from(fields[4] ?? '', 'base64url');
    const actual = await derive(password, salt);
    const same = expected.length === actual.length && timingSafeEqual(expected, actual);
    return same && record !== undefined;
  }
}

function derive(message: Uint8Array, nonce: Uint8Array): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  argon2(
    'argon2id',
    { message, nonce, parallelism: 1, tagLength: tagBytes, memory: memoryKiB, passes },
    (error, tag) => (error === null ? resolve(tag) : reject(error)),
  );
  return promise;
}
