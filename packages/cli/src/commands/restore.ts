// SPDX-License-Identifier: Apache-2.0
import type { BackupReport } from '@sealpost/server';
import { Command } from 'commander';
import type { Context } from '../context.ts';
import { ExitCode } from '../exit-code.ts';
import { CommandError, usageError } from '../failure.ts';

interface RestoreOptions {
  readonly data?: string;
  readonly verify?: boolean;
  readonly json?: boolean;
}

const examples = `
Everything is verified before anything is written: the files by their hashes, the
databases page by page, every sealed message under its stored certificate.
What was accepted after the backup is not in it; docs/storage.md says what that
means for senders and peers.

Examples:
  sealpost restore /backup/fire-monday --verify
  sealpost restore /backup/fire-monday --data /srv/sealpost`;

export function restoreCommand(context: Context): Command {
  return new Command('restore')
    .description('verify a backup, and put it into an empty folder')
    .argument('<backup>', 'folder that sealpost backup made')
    .option('--data <dir>', 'folder to restore into: empty, or not there yet')
    .option('--verify', 'only verify')
    .option('--json', 'write JSON for scripts')
    .addHelpText('after', examples)
    .action(async (backup: string, options: RestoreOptions) => restore(context, backup, options));
}

async function restore({ terminal }: Context, backup: string, options: RestoreOptions): Promise<void> {
  const { data, verify, json } = options;
  if (verify !== true && data === undefined)
    throw usageError('Say --data <dir> to restore into that folder, or --verify to look only.');
  if (verify === true && data !== undefined)
    throw usageError('--verify writes nothing, so it takes no --data; a restore verifies in any case.');
  const { restoreBackup, verifyBackup } = await import('@sealpost/server');
  const report = data === undefined ? await verifyBackup(backup) : await restoreBackup(backup, data);
  const [problem] = report.problems;
  if (problem !== undefined) {
    for (const each of report.problems.slice(1)) terminal.talk(each);
    throw new CommandError('store-damaged', problem, ExitCode.data);
  }
  if (json === true) terminal.out(JSON.stringify(summary(report, data)));
  else for (const line of sentences(report, backup, data)) terminal.out(line);
}

function summary({ manifest, stores }: BackupReport, data: string | undefined): Record<string, unknown> {
  const { madeAt, hasKeys, files } = manifest;
  return { madeAt, hasKeys, files: files.length, seals: sealsOf(stores), restoredTo: data ?? null };
}

function sentences({ manifest, stores }: BackupReport, backup: string, data: string | undefined): string[] {
  const lines = [
    `${backup} is whole: ${manifest.files.length} files of ${manifest.madeAt}, ${sealsOf(stores)} seals verified.`,
  ];
  if (data !== undefined) lines.push(`Restored to ${data}.`);
  if (!manifest.hasKeys)
    lines.push('It has no private keys: put those of the domain beside the files before you start it.');
  return lines;
}

function sealsOf(stores: BackupReport['stores']): number {
  return stores.reduce((sum, { seals }) => sum + seals, 0);
}
