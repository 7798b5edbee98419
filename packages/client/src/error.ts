// SPDX-License-Identifier: Apache-2.0
import { describeError } from '@sealpost/protocol';
import type { ErrorCode, Refusal } from '@sealpost/protocol';

/**
 * What the SDK throws: a refusal with the registry's code and public sentence.
 * `permanent` false means that the same call may succeed later, after `retryAfterSeconds` where the server said so.
 */
export class SealpostError extends Error {
  override readonly name = 'SealpostError';
  readonly code: ErrorCode;
  readonly permanent: boolean;
  readonly retryAfterSeconds: number | undefined;
  /**
   * Of `send` only: the message has left and its answer has not come, so the server may have it. Sending it again with
   * the same `id` makes no second message.
   */
  readonly isInDoubt: boolean;

  constructor(refusal: Refusal, isInDoubt = false) {
    const { sentence, permanent } = describeError(refusal.code);
    super(sentence, refusal.cause === undefined ? undefined : { cause: refusal.cause });
    this.code = refusal.code;
    this.permanent = permanent;
    this.retryAfterSeconds = refusal.retryAfterSeconds;
    this.isInDoubt = isInDoubt;
  }

  get temporary(): boolean {
    return !this.permanent;
  }
}

/** The way back, for who hears the refusal of somebody else's error. */
export function refusalIn({ code, cause }: SealpostError): Refusal {
  return typeof cause === 'string' ? { code, cause } : { code };
}

export function lostLink(cause: string): SealpostError {
  return new SealpostError({ code: 'unreachable', cause });
}

/** A link that fails under a request says so in the registry's words. */
export async function reaching<T>(request: Promise<T>): Promise<T> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof SealpostError) throw error;
    throw lostLink(String(error));
  }
}
