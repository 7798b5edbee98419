// SPDX-License-Identifier: Apache-2.0
import type { Client } from '@sealpost/client';
import { Command } from 'commander';
import { count } from '../arguments.ts';
import { withAccountOptions, withClient } from '../context.ts';
import type { Context } from '../context.ts';
import { messageJson, messageLines } from '../message-format.ts';
import type { AccountOptions } from '../profile-discovery.ts';

interface WatchOptions extends AccountOptions {
  readonly count?: number;
  readonly json?: boolean;
}

const examples = `
Takes each message it prints: its sender may then see it as fetched. Ends with
Ctrl-C, or after --count messages. A lost connection is made again.

Examples:
  sealpost watch --as desk@fire.test
  sealpost watch --as desk@fire.test --json --count 1
  sealpost watch --profile desk.json --json | while read -r message; do …; done`;

export function watchCommand(context: Context): Command {
  const command = new Command('watch')
    .description('print messages as they come, and take them')
    .option('--count <number>', 'end after so many messages', count);
  return withAccountOptions(command)
    .addHelpText('after', examples)
    .action((options: WatchOptions) =>
      withClient(context, options, (client) => watch(context, client, options), { failFast: false }),
    );
}

async function watch(context: Context, client: Client, { count: limit, json }: WatchOptions): Promise<void> {
  const { terminal, ending } = context;
  const messages = client.messages();
  const stop = (): void => void client.close();
  ending.addEventListener('abort', stop, { once: true });
  void tellStates(context, client);
  let shown = 0;
  try {
    for await (const message of messages) {
      if (json === true) terminal.out(JSON.stringify(messageJson(message)));
      else for (const line of messageLines(terminal, message)) terminal.out(line);
      message.taken();
      shown += 1;
      if (shown === limit) return;
    }
  } catch (error) {
    if (!ending.aborted) throw error;
  } finally {
    ending.removeEventListener('abort', stop);
  }
}

/** One line when the connection is lost, and one when it is back; on standard error, so that scripts see messages only. */
async function tellStates({ terminal }: Context, client: Client): Promise<void> {
  let isLost = false;
  for await (const state of client.states()) {
    if (state.kind === 'reconnecting' && !isLost) terminal.talk('connection lost; it will be tried again');
    if (state.kind === 'connected' && isLost) terminal.talk('connected again');
    isLost = state.kind === 'reconnecting';
  }
}
