// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { freeBytes, syncPath } from '../sqlite/durable-file.ts';
import { BackupError } from './backup-error.ts';
import { sha256Of } from './file-hash.ts';
import { filesFolder, readManifest, type Manifest } from './manifest.ts';
import { isDatabase } from './source-files.ts';
import { checkStore, type StoreReport } from './store-files.ts';

export interface BackupReport {
  readonly manifest: Manifest;
  readonly stores: readonly StoreReport[];
  /** One sentence each; a backup with any of them is not restored. */
  readonly problems: readonly string[];
}

/** Reads all of a backup and changes nothing: hashes, databases, and each seal under its certificate. */
export async function verifyBackup(backup: string): Promise<BackupReport> {
  const manifest = await readManifest(backup);
  const problems: string[] = [];
  for (const { path, bytes, sha256 } of manifest.files) {
    const full = join(backup, filesFolder, path);
    const found = await stat(full).catch(() => undefined);
    if (found?.isFile() !== true) problems.push(`${path} is missing from the backup.`);
    else if (found.size !== bytes || (await sha256Of(full)) !== sha256)
      problems.push(`${path} is not what was backed up.`);
  }
  const stores: StoreReport[] = [];
  // A database whose bytes are not those of the backup has been named already.
  if (problems.length === 0)
    for (const { path } of manifest.files.filter((file) => isDatabase(file.path)))
      stores.push(await checkStore(join(backup, filesFolder, path), true));
  return { manifest, stores, problems: [...problems, ...stores.flatMap((store) => store.problems)] };
}

/**
 * Puts a verified backup into a folder that is empty or not there: never over anything, so never under a process that
 * runs. Durable and whole when it resolves; until then the folder has another name.
 */
export async function restoreBackup(backup: string, directory: string): Promise<BackupReport> {
  const target = resolve(directory);
  await requireEmpty(target);
  const report = await verifyBackup(backup);
  if (report.problems.length > 0) return report;
  const { files } = report.manifest;
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  if (freeBytes(dirname(target)) < files.reduce((sum, { bytes }) => sum + bytes, 0))
    throw new BackupError(
      'no-room',
      `There is not enough room for what the backup holds in ${dirname(target)}.`,
    );
  const partial = `${target}.part`;
  await rm(partial, { recursive: true, force: true });
  try {
    await mkdir(partial, { mode: 0o700 });
    const folders = new Set([partial]);
    for (const { path, sha256, isPublic } of files) {
      const to = join(partial, path);
      await mkdir(dirname(to), { recursive: true, mode: 0o700 });
      await copyFile(join(backup, filesFolder, path), to, constants.COPYFILE_EXCL);
      await chmod(to, isPublic ? 0o644 : 0o600);
      syncPath(to);
      // What was verified is what was read then; a backup on a failing disk may read differently now.
      if ((await sha256Of(to)) !== sha256)
        throw new BackupError('backup-invalid', `${path} is not what was backed up.`);
      folders.add(dirname(to));
    }
    for (const folder of folders) syncPath(folder);
    // Takes the place of an empty folder, and fails if something has come into it meanwhile.
    await rename(partial, target);
    syncPath(dirname(target));
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  return report;
}

async function requireEmpty(target: string): Promise<void> {
  let entries: readonly string[];
  try {
    entries = await readdir(target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    if (code !== 'ENOTDIR') throw error;
    entries = ['a file'];
  }
  if (entries.length > 0)
    throw new BackupError(
      'already-there',
      `${target} is not empty: stop what runs there, move it away, or name another folder.`,
    );
}
