// SPDX-License-Identifier: Apache-2.0
import type { Address, EventWord, MessageId, Refusal, Result } from '@sealpost/protocol';
import { SealpostError } from './error.ts';
import { failureOf, isFailure } from './evidence-notice.ts';
import type { EvidenceNotice } from './evidence-notice.ts';
import type { VerifiedEvidence } from './verified-evidence.ts';

/**
 * A message the server has taken into custody, and what is known of its fate. Evidence is kept here as it comes, so
 * any number of readers may ask, early or late; there are at most as many entries as there are events.
 */
export class Sent {
  readonly id: MessageId;
  readonly to: Address;
  readonly #asked: readonly EventWord[];
  readonly #notices: EvidenceNotice[] = [];
  readonly #onSettled: () => void;
  #wake = Promise.withResolvers<void>();
  #over: Refusal | undefined;

  /** Made by `Client.send`. `onSettled` runs when nothing more is expected. */
  constructor(id: MessageId, to: Address, asked: readonly EventWord[], onSettled: () => void) {
    this.id = id;
    this.to = to;
    this.#asked = asked;
    this.#onSettled = onSettled;
  }

  /** The own domain's signed word that it took custody; undefined when it did not verify. */
  get accepted(): VerifiedEvidence | undefined {
    const verified = this.#find('accepted')?.verified;
    return verified?.ok === true ? verified.value : undefined;
  }

  /** Everything known so far. */
  get timeline(): readonly EvidenceNotice[] {
    return this.#notices;
  }

  /**
   * What happens to the message, from its acceptance on. Ends when all that was asked for has come or the message has
   * failed; throws when the connection is lost, after which `trace` still knows.
   */
  async *evidence(): AsyncGenerator<EvidenceNotice, void, undefined> {
    for (let index = 0; ; index++) {
      while (index >= this.#notices.length) {
        if (this.#isComplete()) return;
        if (this.#over !== undefined) throw new SealpostError(this.#over);
        await this.#wake.promise;
      }
      const notice = this.#notices[index];
      if (notice !== undefined) yield notice;
    }
  }

  /**
   * Verified evidence of that event. Rejects with SealpostError when the message fails first, when the evidence for
   * the event does not verify, or when the connection is lost. Only what was asked for when sending can be awaited.
   */
  async until(word: EventWord, options: { readonly signal?: AbortSignal } = {}): Promise<VerifiedEvidence> {
    if (word !== 'accepted' && !this.#asked.includes(word))
      throw new TypeError(`'${word}' was not asked for when the message was sent`);
    const { signal } = options;
    const aborted = Promise.withResolvers<never>();
    // Nobody may be racing when the signal fires.
    aborted.promise.catch(() => undefined);
    const abort = (): void => aborted.reject(new SealpostError({ code: 'undecided' }));
    signal?.addEventListener('abort', abort, { once: true });
    try {
      for (;;) {
        const outcome = this.#outcomeFor(word);
        if (outcome?.ok === true) return outcome.value;
        if (outcome !== undefined) throw new SealpostError(outcome.refusal);
        if (this.#over !== undefined) throw new SealpostError(this.#over);
        if (signal?.aborted === true) abort();
        await Promise.race([this.#wake.promise, aborted.promise]);
      }
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** For the client: an event is told once; the first verified word about it stands. */
  record(notice: EvidenceNotice): void {
    const known = this.#find(notice.word);
    if (known !== undefined && (known.verified.ok || !notice.verified.ok)) return;
    if (known === undefined) this.#notices.push(notice);
    else this.#notices[this.#notices.indexOf(known)] = notice;
    this.#changed();
    if (this.#isComplete()) this.#onSettled();
  }

  /** For the client: no more evidence can come this way. */
  end(refusal: Refusal): void {
    this.#over ??= refusal;
    this.#changed();
  }

  #outcomeFor(awaited: EventWord): Result<VerifiedEvidence> | undefined {
    const hit = this.#find(awaited);
    if (hit !== undefined) return hit.verified;
    for (const { word, verified } of this.#notices) {
      if (!verified.ok) continue;
      const code = failureOf(word, verified.value.reason, awaited);
      if (code !== undefined) return { ok: false, refusal: { code, cause: `evidence says ${word}` } };
    }
    return undefined;
  }

  #isComplete(): boolean {
    if (this.#notices.some(({ word, verified }) => verified.ok && isFailure(word))) return true;
    return this.#asked.every(
      (word) =>
        this.#find(word)?.verified.ok === true ||
        (word === 'acknowledged' && this.#find('declined')?.verified.ok === true),
    );
  }

  #find(word: EventWord): EvidenceNotice | undefined {
    return this.#notices.find((notice) => notice.word === word);
  }

  #changed(): void {
    const { resolve } = this.#wake;
    this.#wake = Promise.withResolvers();
    resolve();
  }
}
