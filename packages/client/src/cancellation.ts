// SPDX-License-Identifier: Apache-2.0
import { SealpostError } from './error.ts';

/** The promise's outcome, or `undecided` as soon as `signal` fires. What the promise does then is its own business. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(new SealpostError({ code: 'undecided', cause: 'cancelled' }));
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
    promise.catch(() => undefined);
  }
}
