// SPDX-License-Identifier: Apache-2.0

export type StoreErrorCode =
  /** Written by a newer program. */
  | 'store-newer'
  /** Not a database, or another program's. */
  | 'store-foreign'
  /** Pages or rows that do not hold together. */
  | 'store-damaged'
  | 'store-full'
  | 'store-read-only'
  /** Another process has opened it since. */
  | 'store-taken'
  /** The disk did not confirm a write, or failed otherwise. */
  | 'store-io';

/** The store cannot be used. The message is one sentence for the operator, and says what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, sentence: string, cause?: unknown) {
    super(sentence, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** Also of one that has come from another thread, where it has lost its class. */
export function isStoreError(error: unknown): error is Error & { readonly code: StoreErrorCode } {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('store-');
}
