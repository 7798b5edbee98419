// SPDX-License-Identifier: Apache-2.0
import { join, resolve } from 'node:path';
import { BackupError } from './backup-error.ts';
import { sourceFiles } from './source-files.ts';
import { checkStore, type StoreReport } from './store-files.ts';

/** Every database below a folder, also while the domain runs. Reads everything and changes nothing. */
export async function checkStores(directory: string): Promise<StoreReport[]> {
  const root = resolve(directory);
  const { databases } = await sourceFiles(root);
  if (databases.length === 0)
    throw new BackupError('nothing-there', `There is no domain's store in ${root}: name its data folder.`);
  const reports: StoreReport[] = [];
  for (const { path } of databases) reports.push(await checkStore(join(root, path), true));
  return reports;
}
