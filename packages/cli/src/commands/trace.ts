// SPDX-License-Identifier: Apache-2.0
import { Command, Option } from 'commander';
import { duration } from '../arguments.ts';
import { withAccountOptions, withClient } from '../context.ts';
import type { Context } from '../context.ts';
import { traceEntryJson, traceLines } from '../evidence-format.ts';
import type { AccountOptions } from '../profile-discovery.ts';

interface TraceOptions extends AccountOptions {
  readonly timeout: number;
  readonly json?: boolean;
}

const examples = `
Every signature is checked here against the anchors of your profile; the
server's word is not taken for it.

Examples:
  sealpost trace 0192a3b4-5c6d-7e8f-9012-3456789abcde --as kitchen-alarm@home.test
  sealpost trace 0192a3b4-5c6d-7e8f-9012-3456789abcde --profile alarm.json
  sealpost trace 0192a3b4-5c6d-7e8f-9012-3456789abcde --profile alarm.json --json | jq .evidence`;

export function traceCommand(context: Context): Command {
  const command = new Command('trace')
    .description('what happened to a message you sent, with its evidence')
    .argument('<id>', 'message id')
    .addOption(
      new Option('--timeout <duration>', 'how long to wait for the answer')
        .argParser(duration)
        .default(10, '10s'),
    );
  return withAccountOptions(command)
    .addHelpText('after', examples)
    .action(async (id: string, { timeout, json, ...account }: TraceOptions) => {
      const { terminal, ending } = context;
      const signal = AbortSignal.any([ending, AbortSignal.timeout(timeout * 1000)]);
      const trace = await withClient(context, account, (client) => client.trace(id, { signal }));
      if (json !== true) {
        for (const line of traceLines(terminal, trace)) terminal.out(line);
        return;
      }
      const { evidence, ...rest } = trace;
      terminal.out(JSON.stringify({ ...rest, evidence: evidence.map(traceEntryJson) }));
    });
}
