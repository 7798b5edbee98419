// SPDX-License-Identifier: Apache-2.0
import { readFile, readdir, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** SQLite's own two files belong to their database; the rest is made anew at a start, or not finished yet. */
const leftOut =
  /(-wal|-shm|-journal|\.part|\.lock|\.sock)$|\.layout-\d+\.sqlite$|(^|\/)(room|probe)$|(^|\/)certificates\/\w+\.\d+$/;
const custodyName = /(^|\/)custody\.sqlite$/;
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const keyFileBytesMax = 64 * 1024;
const filesMax = 10_000_000;

export interface SourceFile {
  readonly path: string;
  readonly bytes: number;
  readonly isPublic: boolean;
}

/**
 * Everything below a folder that a backup holds, in the order in which it has to be copied. A link to a file stands for
 * that file; what lies behind a link to a folder is not looked at.
 */
export interface SourceFiles {
  readonly databases: readonly SourceFile[];
  /** Listed when the databases have been copied: what they name is on the disk by then. */
  others(): Promise<SourceFile[]>;
  readonly linkedFolders: readonly string[];
}

export async function sourceFiles(root: string): Promise<SourceFiles> {
  const { files, linkedFolders } = await filesBelow(root);
  const databases = files.filter(({ path }) => isDatabase(path));
  return {
    linkedFolders,
    // Custody first: a mailbox that has messages in that copy has its account in the later one of the accounts.
    databases: databases.toSorted(
      (left, right) => Number(custodyName.test(right.path)) - Number(custodyName.test(left.path)),
    ),
    others: async () => (await filesBelow(root)).files.filter(({ path }) => !isDatabase(path)),
  };
}

export function isDatabase(path: string): boolean {
  return path.endsWith('.sqlite');
}

/** By what it holds, whatever it is called. */
export async function isPrivateKey(path: string, bytes: number): Promise<boolean> {
  return bytes <= keyFileBytesMax && privateKey.test(await readFile(path, 'latin1'));
}

interface Found {
  readonly files: SourceFile[];
  readonly linkedFolders: string[];
}

async function filesBelow(root: string): Promise<Found> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  if (entries.length > filesMax) throw new RangeError(`more than ${filesMax} files below ${root}`);
  const files: SourceFile[] = [];
  const linkedFolders: string[] = [];
  for (const entry of entries) {
    const full = join(entry.parentPath, entry.name);
    const path = full.slice(root.length).split(sep).filter(Boolean).join('/');
    if (!(entry.isFile() || entry.isSymbolicLink()) || leftOut.test(path)) continue;
    const found = await stat(full).catch(ignoreMissing);
    if (found?.isFile() === true)
      files.push({ path, bytes: found.size, isPublic: (found.mode & 0o004) !== 0 });
    else if (found?.isDirectory() === true) linkedFolders.push(path);
  }
  return { files: files.toSorted((left, right) => (left.path < right.path ? -1 : 1)), linkedFolders };
}

/** What a running domain has removed meanwhile is not part of it any more. */
export function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
