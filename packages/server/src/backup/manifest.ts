// SPDX-License-Identifier: Apache-2.0
// What a backup says of itself. It is checked as a stranger's would be: a backup has been somewhere else.
import { readFile } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { BackupError } from './backup-error.ts';
import { isDatabase } from './source-files.ts';

export const manifestName = 'manifest.json';
/** Where the files lie, by the names that they had. */
export const filesFolder = 'files';

const manifestBytesMax = 256 * 1024 * 1024;
const formatVersion = 1;

export interface BackedUpFile {
  /** With slashes, below the folder that was backed up. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Whether others of the machine may read it. */
  readonly isPublic: boolean;
  /** Of a database. */
  readonly layout?: number;
}

export interface Manifest {
  readonly format: 'sealpost-backup';
  readonly version: typeof formatVersion;
  /** ISO 8601, UTC: when the copy of the first database began. What was accepted later is not in it. */
  readonly madeAt: string;
  readonly hasKeys: boolean;
  readonly files: readonly BackedUpFile[];
}

export function makeManifest(fields: Pick<Manifest, 'madeAt' | 'hasKeys' | 'files'>): Manifest {
  return { format: 'sealpost-backup', version: formatVersion, ...fields };
}

export async function readManifest(backup: string): Promise<Manifest> {
  const path = join(backup, manifestName);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new BackupError(
      'backup-invalid',
      `${backup} is no backup, or was never finished: there is no ${path}.`,
      error,
    );
  }
  const manifest = text.length > manifestBytesMax ? undefined : parsed(text);
  if (!isManifest(manifest))
    throw new BackupError(
      'backup-invalid',
      `${path} is not the manifest of a backup that this program can read.`,
    );
  return manifest;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isManifest(value: unknown): value is Manifest {
  if (!isRecord(value)) return false;
  const { format, version, madeAt, hasKeys, files } = value;
  if (format !== 'sealpost-backup' || version !== formatVersion) return false;
  if (typeof madeAt !== 'string' || typeof hasKeys !== 'boolean') return false;
  // Without a store it would hold nothing that a domain could be brought back from.
  return Array.isArray(files) && files.every(isFile) && files.some(({ path }) => isDatabase(path));
}

function isFile(value: unknown): value is BackedUpFile {
  if (!isRecord(value)) return false;
  const { path, bytes, sha256, isPublic, layout } = value;
  if (typeof path !== 'string' || !isInside(path)) return false;
  if (!Number.isSafeInteger(bytes) || typeof isPublic !== 'boolean') return false;
  if (layout !== undefined && !Number.isSafeInteger(layout)) return false;
  return typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256);
}

/** Nothing is ever written outside the folder that was named. */
function isInside(path: string): boolean {
  return path !== '' && !isAbsolute(path) && normalize(path) === path && path.split('/')[0] !== '..';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
