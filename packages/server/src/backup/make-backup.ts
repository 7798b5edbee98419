// SPDX-License-Identifier: Apache-2.0
import { constants, existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { freeBytes, syncPath } from '../sqlite/durable-file.ts';
import { readPragma } from '../sqlite/migrate.ts';
import { sha256Of } from './file-hash.ts';
import { BackupError } from './backup-error.ts';
import { filesFolder, makeManifest, manifestName, type BackedUpFile, type Manifest } from './manifest.ts';
import { isPrivateKey, sourceFiles, type SourceFile } from './source-files.ts';

export interface BackupOptions {
  /** The folder of a domain, or of several. */
  readonly source: string;
  /** Made; must not be there. */
  readonly target: string;
  /** A configuration file that lies elsewhere. */
  readonly configFile?: string;
  readonly withoutKeys?: boolean;
}

/** Beside the files themselves. */
const spareBytes = 8 * 1024 * 1024;

/**
 * A copy of everything that a domain keeps, while it runs or not. Durable and whole when it resolves; until then it has
 * another name. What makes it consistent is the order: each database is a snapshot of one moment, and whatever a commit
 * names (the certificates of its seals) was on the disk before that commit, and is copied after it.
 */
export async function makeBackup(options: BackupOptions): Promise<Manifest> {
  const source = resolve(options.source);
  const target = resolve(options.target);
  if (existsSync(target))
    throw new BackupError(
      'already-there',
      `There is a ${target} already: name another place for the backup.`,
    );
  if ((await stat(source).catch(() => undefined))?.isDirectory() !== true)
    throw new BackupError('nothing-there', `There is no folder ${source}.`);
  if (`${target}${sep}`.startsWith(`${source}${sep}`))
    throw new BackupError(
      'already-there',
      `${target} is in the folder that is backed up, and the next backup would hold it too: name another place.`,
    );
  const { databases, others, linkedFolders } = await sourceFiles(source);
  const [linked] = linkedFolders;
  if (linked !== undefined)
    throw new BackupError(
      'nothing-there',
      `${join(source, linked)} is a link to a folder, which a backup does not follow: put the folder itself there.`,
    );
  if (databases.length === 0)
    throw new BackupError('nothing-there', `There is no domain's store in ${source}: name its data folder.`);
  const partial = `${target}.part`;
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  requireRoom(dirname(target), [...databases, ...(await others())]);
  await rm(partial, { recursive: true, force: true });
  try {
    await mkdir(partial, { mode: 0o700 });
    const files = join(partial, filesFolder);
    await mkdir(files, { mode: 0o700 });
    const madeAt = new Date().toISOString();
    const written: BackedUpFile[] = [];
    for (const database of databases) written.push(await copyDatabase(source, files, database));
    for (const file of await others()) {
      if (options.withoutKeys === true && (await isPrivateKey(join(source, file.path), file.bytes))) continue;
      written.push(await copyOther(join(source, file.path), files, file));
    }
    if (options.configFile !== undefined)
      written.push(...(await copyConfig(options.configFile, files, written)));
    const manifest = makeManifest({ madeAt, hasKeys: options.withoutKeys !== true, files: written });
    const path = join(partial, manifestName);
    await writeFile(path, `${JSON.stringify(manifest, undefined, 2)}\n`, { mode: 0o600 });
    for (const each of [path, ...foldersOf(files, written), files, partial]) syncPath(each);
    await rename(partial, target);
    syncPath(dirname(target));
    return manifest;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw (error as NodeJS.ErrnoException).code === 'ENOSPC' ? noRoom(dirname(target), error) : error;
  }
}

function requireRoom(directory: string, files: readonly SourceFile[]): void {
  const needed = files.reduce((sum, { bytes }) => sum + bytes, spareBytes);
  if (freeBytes(directory) < needed) throw noRoom(directory);
}

function noRoom(directory: string, cause?: unknown): BackupError {
  return new BackupError('no-room', `There is not enough room for the backup in ${directory}.`, cause);
}

/**
 * VACUUM INTO reads one snapshot, whatever is committed meanwhile; the page-wise backup would begin again at every commit
 * of another process. It also leaves out what the free pages still hold of deleted mail.
 */
async function copyDatabase(source: string, files: string, { path }: SourceFile): Promise<BackedUpFile> {
  const to = join(files, path);
  await emptyFile(to);
  const db = new DatabaseSync(join(source, path), { readOnly: true, timeout: 5000 });
  let layout: number;
  try {
    layout = readPragma(db, 'user_version');
    db.prepare('VACUUM INTO ?').run(to);
  } finally {
    db.close();
  }
  syncPath(to);
  return { path, bytes: (await stat(to)).size, sha256: await sha256Of(to), isPublic: false, layout };
}

async function copyOther(from: string, files: string, { path, isPublic }: SourceFile): Promise<BackedUpFile> {
  const to = join(files, path);
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await copyFile(from, to, constants.COPYFILE_EXCL);
  await chmod(to, 0o600);
  syncPath(to);
  return { path, bytes: (await stat(to)).size, sha256: await sha256Of(to), isPublic };
}

/** Nothing, if the configuration lies below the folder and has been copied with it. */
async function copyConfig(
  from: string,
  files: string,
  written: readonly BackedUpFile[],
): Promise<BackedUpFile[]> {
  const path = basename(from);
  if (written.some((file) => file.path === path)) return [];
  const { size: bytes } = await stat(from);
  return [await copyOther(from, files, { path, bytes, isPublic: false })];
}

/** SQLite writes into an empty file as it is: nobody else can read it at any moment. */
async function emptyFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, '', { mode: 0o600, flag: 'wx' });
}

function foldersOf(files: string, written: readonly BackedUpFile[]): string[] {
  return [...new Set(written.map(({ path }) => dirname(join(files, path))))];
}
