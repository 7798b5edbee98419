// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from './errors.ts';

/** Why something was refused. `cause` is for logs of this process only and never crosses a boundary. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly cause?: string;
  readonly retryAfterSeconds?: number;
}

export interface Accepted<T> {
  readonly ok: true;
  readonly value: T;
}

export interface Refused {
  readonly ok: false;
  readonly refusal: Refusal;
}

/** A failed check is a value; exceptions are for bugs and I/O. */
export type Result<T> = Accepted<T> | Refused;

const nothing: Accepted<void> = { ok: true, value: undefined };

export function accept(): Accepted<void>;
export function accept<T>(value: T): Accepted<T>;
export function accept<T>(value?: T): Accepted<T | undefined | void> {
  return value === undefined ? nothing : { ok: true, value };
}

export function refuse(code: ErrorCode, cause?: string, retryAfterSeconds?: number): Refused {
  return {
    ok: false,
    refusal: {
      code,
      ...(cause !== undefined && { cause }),
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    },
  };
}
