// SPDX-License-Identifier: Apache-2.0
import type { Layout } from './layout.ts';
import { isDamage, isIoError, isNotADatabase, isReadOnly, isStorageFull } from './result-codes.ts';
import { StoreError } from './store-error.ts';

/** SQLite's and the system's words as one sentence that names the file and the way out. */
export function explained(error: unknown, path: string, layout: Layout): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (isNotADatabase(error)) return foreign(path, layout, error);
  if (isDamage(error)) return damaged(path, error);
  if (isReadOnly(error) || code === 'EROFS')
    return new StoreError(
      'store-read-only',
      `${path} cannot be written, because its file system or the file is read-only: make it writable and start again.`,
      error,
    );
  if (isStorageFull(error) || code === 'ENOSPC' || code === 'EDQUOT')
    return new StoreError(
      'store-full',
      `There is no room on the disk of ${path}: make room and start again.`,
      error,
    );
  if (isIoError(error))
    return new StoreError(
      'store-io',
      `The disk failed under ${path} (${(error as Error).message}): check the disk, then start again.`,
      error,
    );
  return error;
}

export function damaged(path: string, cause?: unknown): StoreError {
  return new StoreError(
    'store-damaged',
    `${path} is damaged: bring back a backup with \`sealpost restore\` into an empty folder.`,
    cause,
  );
}

export function foreign(path: string, { name }: Layout, cause?: unknown): StoreError {
  return new StoreError(
    'store-foreign',
    `${path} is not a ${name} of Sealpost: move it away, or name another folder.`,
    cause,
  );
}
