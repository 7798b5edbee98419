// SPDX-License-Identifier: Apache-2.0

/** Primary result codes, https://sqlite.org/rescode.html; the low byte of an extended code. */
const code = { readOnly: 8, full: 13, tooBig: 18, constraint: 19, mismatch: 20, range: 25 } as const;

const mistakes: readonly number[] = [code.tooBig, code.constraint, code.mismatch, code.range];

function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}

/** The transaction cannot be stored now; the store itself is sound. */
export function isStorageFull(error: unknown): boolean {
  const primary = primaryCode(error);
  return primary === code.full || primary === code.readOnly;
}

/** The command is at fault, not the store: a value that the schema or the binding does not take. */
export function isMistake(error: unknown): boolean {
  const primary = primaryCode(error);
  if (primary !== undefined) return mistakes.includes(primary);
  return error instanceof TypeError || error instanceof RangeError;
}
