// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import { count } from '../arguments.ts';
import { withAccountOptions, withClient } from '../context.ts';
import type { Context } from '../context.ts';
import { inboxLines, messageJson } from '../message-format.ts';
import type { AccountOptions } from '../profile-discovery.ts';

interface InboxOptions extends AccountOptions {
  readonly idle: number;
  readonly json?: boolean;
}

const examples = `
Shows what waits without taking it: watch and any client with QoS 1 still get
it. The server does not say when it has shown everything, so the command ends
when nothing more came for a moment (--idle).

Examples:
  sealpost inbox --as desk@fire.test
  sealpost inbox --as desk@fire.test --json | jq .text
  sealpost inbox --profile desk.json --idle 2000`;

export function inboxCommand(context: Context): Command {
  const command = new Command('inbox')
    .description('list what waits in the mailbox, most urgent first, without taking it')
    .option('--idle <milliseconds>', 'end when nothing more came for so long', count, 300);
  return withAccountOptions(command)
    .addHelpText('after', examples)
    .action(async ({ idle, json, ...account }: InboxOptions) => {
      const { terminal } = context;
      const messages = await withClient(context, account, (client) => client.waiting({ idleMs: idle }));
      if (json === true) {
        for (const message of messages) terminal.out(JSON.stringify(messageJson(message)));
        return;
      }
      if (messages.length === 0) terminal.talk('Nothing waits.');
      for (const line of inboxLines(terminal, messages)) terminal.out(line);
    });
}
