// SPDX-License-Identifier: Apache-2.0

/** https://sqlite.org/rescode.html: primary codes are the low byte of extended ones. */
const code = {
  io: 10,
  corrupt: 11,
  readOnly: 8,
  full: 13,
  cannotOpen: 14,
  tooBig: 18,
  constraint: 19,
  mismatch: 20,
  range: 25,
  notADatabase: 26,
} as const;
/** The shared-memory file could not grow: ENOSPC, of which SQLite knows no other word there. */
const ioSharedMemorySize = code.io | (19 << 8);
const ioWrite = code.io | (3 << 8);

const mistakes: readonly number[] = [code.tooBig, code.constraint, code.mismatch, code.range];

function extendedCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode : undefined;
}

function primaryCode(error: unknown): number | undefined {
  const extended = extendedCode(error);
  return extended === undefined ? undefined : extended & 0xff;
}

/** The transaction cannot be stored now; the store itself is sound. */
export function isStorageFull(error: unknown): boolean {
  const primary = primaryCode(error);
  return primary === code.full || primary === code.readOnly || extendedCode(error) === ioSharedMemorySize;
}

/** A write was refused by the file system. Why is not said: EROFS, EDQUOT and EIO look the same. */
export function isWriteRefused(error: unknown): boolean {
  return extendedCode(error) === ioWrite;
}

/** The command is at fault, not the store: a value that the schema or the binding does not take. */
export function isMistake(error: unknown): boolean {
  const primary = primaryCode(error);
  if (primary !== undefined) return mistakes.includes(primary);
  return error instanceof TypeError || error instanceof RangeError;
}

export function isDamage(error: unknown): boolean {
  return primaryCode(error) === code.corrupt;
}

export function isNotADatabase(error: unknown): boolean {
  return primaryCode(error) === code.notADatabase;
}

export function isReadOnly(error: unknown): boolean {
  return primaryCode(error) === code.readOnly;
}

/** Reading, writing or syncing failed in a way that says nothing about how much of it was done. */
export function isIoError(error: unknown): boolean {
  const primary = primaryCode(error);
  return primary === code.io || primary === code.cannotOpen;
}
