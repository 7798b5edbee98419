// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { accountCommand } from './commands/account.ts';
import { actCommand } from './commands/act.ts';
import { backupCommand } from './commands/backup.ts';
import { configCommand } from './commands/config.ts';
import { devCommand } from './commands/dev.ts';
import { inboxCommand } from './commands/inbox.ts';
import { initCommand } from './commands/init.ts';
import { restoreCommand } from './commands/restore.ts';
import { sendCommand } from './commands/send.ts';
import { serveCommand } from './commands/serve.ts';
import { storeCommand } from './commands/store.ts';
import { traceCommand } from './commands/trace.ts';
import { watchCommand } from './commands/watch.ts';
import type { Context } from './context.ts';

const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
const { version } = JSON.parse(manifest) as { version: string };

const examples = `
Examples:
  sealpost dev
  sealpost send desk@fire.test 'Smoke' --as kitchen-alarm@home.test --precedence flash
  sealpost watch --as desk@fire.test

Exit codes are those of sysexits.h: 0 done, 64 usage, 65 data refused,
67 no such mailbox, 68 no such domain, 69 server unavailable, 70 a bug,
73 something is there already, 74 the disk is full or failed, 75 try again
later, 77 not permitted, 78 configuration.`;

const commands = [
  initCommand,
  serveCommand,
  accountCommand,
  configCommand,
  devCommand,
  sendCommand,
  inboxCommand,
  watchCommand,
  actCommand,
  traceCommand,
  backupCommand,
  restoreCommand,
  storeCommand,
];

export function program(context: Context): Command {
  const { terminal } = context;
  const command = new Command('sealpost')
    .description('sealed messages for people and machines')
    .version(version)
    .helpCommand(false)
    .addHelpText('after', examples);
  for (const make of commands) command.addCommand(make(context));
  for (const each of withSubcommands(command))
    each
      .exitOverride()
      .showSuggestionAfterError()
      .configureOutput({
        writeOut: (text) => terminal.out(text.trimEnd()),
        writeErr: (text) => terminal.talk(text.trimEnd()),
        outputError: (text, write) =>
          write(
            `sealpost: ${text
              .replace(/^error: /, '')
              .trimEnd()
              .replaceAll('\n', ' ')} [usage]`,
          ),
      });
  return command;
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}
