// SPDX-License-Identifier: Apache-2.0
import { errorRegistry } from './error-registry.ts';

/** A registered code of spec/errors.json. */
export type ErrorCode = keyof typeof errorRegistry;

/** One row of the registry: the public sentence and how the error is said in each protocol. */
export interface ErrorEntry {
  readonly code: ErrorCode;
  readonly permanent: boolean;
  readonly sentence: string;
  readonly mqtt: number;
  readonly http: number;
  readonly smtp: string;
}

export const errorCodes = Object.keys(errorRegistry) as readonly ErrorCode[];

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorRegistry, text);
}

export function describeError(code: ErrorCode): ErrorEntry {
  return { code, ...errorRegistry[code] };
}
