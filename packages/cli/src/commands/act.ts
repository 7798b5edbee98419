// SPDX-License-Identifier: Apache-2.0
import { Argument, Command } from 'commander';
import { withAccountOptions, withClient } from '../context.ts';
import type { Context } from '../context.ts';
import type { AccountOptions } from '../profile-discovery.ts';

interface ActOptions extends AccountOptions {
  readonly json?: boolean;
}

type OfferedAction = 'acknowledge' | 'open' | 'decline';

const examples = `
The message must have been taken from the mailbox before, by watch or any other
client. Your domain attests what you did and tells the sender.

Examples:
  sealpost act 0192a3b4-5c6d-7e8f-9012-3456789abcde acknowledge --as desk@fire.test
  sealpost act 0192a3b4-5c6d-7e8f-9012-3456789abcde decline --as desk@fire.test
  sealpost act 0192a3b4-5c6d-7e8f-9012-3456789abcde open --profile desk.json --json`;

export function actCommand(context: Context): Command {
  const command = new Command('act')
    .description('say what you do about a message you have')
    .argument('<id>', 'message id')
    .addArgument(new Argument('<action>', 'what to say').choices(['acknowledge', 'open', 'decline']));
  return withAccountOptions(command)
    .addHelpText('after', examples)
    .action(async (id: string, action: OfferedAction, { json, ...account }: ActOptions) => {
      await withClient(context, account, (client) => client.act(id, action));
      context.terminal.out(
        json === true ? JSON.stringify({ id, action, ok: true }) : `${id}: ${done[action]}`,
      );
    });
}

const done: Readonly<Record<OfferedAction, string>> = {
  acknowledge: 'acknowledged',
  open: 'opened',
  decline: 'declined',
};
