// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import type { Context } from '../context.ts';

interface BackupCommandOptions {
  readonly data: string;
  readonly config?: string;
  readonly withoutKeys?: boolean;
  readonly json?: boolean;
}

const examples = `
The domain may run meanwhile: the backup holds what was stored when it began. It
holds the mail in the clear, and the private keys unless they are left out; give
it to nobody who may not have those.

Examples:
  sealpost backup /backup/fire-monday --data /srv/sealpost
  sealpost backup /backup/fire-monday --data /srv/sealpost --without-keys
  sealpost restore /backup/fire-monday --verify`;

export function backupCommand(context: Context): Command {
  return new Command('backup')
    .description('copy everything that a domain keeps into a new folder, while it runs')
    .argument('<target>', 'folder to make for the backup')
    .requiredOption('--data <dir>', 'folder of the domain')
    .option('--config <file>', 'configuration file that lies elsewhere, to be kept with it')
    .option('--without-keys', 'leave private keys out; restoring then needs them from elsewhere')
    .option('--json', 'write JSON for scripts')
    .addHelpText('after', examples)
    .action(async (target: string, options: BackupCommandOptions) => backup(context, target, options));
}

async function backup({ terminal }: Context, target: string, options: BackupCommandOptions): Promise<void> {
  const { data: source, config: configFile, withoutKeys = false, json } = options;
  // Only here: no other command should pay for loading a server.
  const { makeBackup } = await import('@sealpost/server');
  const manifest = await makeBackup({
    source,
    target,
    withoutKeys,
    ...(configFile === undefined ? {} : { configFile }),
  });
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  const { madeAt, hasKeys, files } = manifest;
  if (json === true) terminal.out(JSON.stringify({ target, madeAt, hasKeys, files: files.length, bytes }));
  else
    terminal.out(`${target} has ${files.length} files, ${bytes} bytes, as of ${madeAt}${keysNote(hasKeys)}.`);
}

function keysNote(hasKeys: boolean): string {
  return hasKeys ? ', private keys among them' : ', without private keys';
}
