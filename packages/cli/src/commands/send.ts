// SPDX-License-Identifier: Apache-2.0
import { SealpostError } from '@sealpost/client';
import type { Outbound, Sent } from '@sealpost/client';
import { bodyBytesMax, precedenceNames, utf8Text } from '@sealpost/protocol';
import type { Attempts, EventWord, PrecedenceName } from '@sealpost/protocol';
import { Command, Option } from 'commander';
import { count, duration, eventWords } from '../arguments.ts';
import { withAccountOptions, withClient } from '../context.ts';
import type { Context } from '../context.ts';
import { inOrder, noticeJson, timelineLines } from '../evidence-format.ts';
import { ExitCode } from '../exit-code.ts';
import { CommandError } from '../failure.ts';
import type { AccountOptions } from '../profile-discovery.ts';

interface SendOptions extends AccountOptions {
  readonly precedence?: PrecedenceName;
  readonly expires?: number;
  readonly ask?: readonly EventWord[];
  readonly subject?: string;
  readonly id?: string;
  readonly inReplyTo?: string;
  readonly attempts?: number;
  readonly discard?: boolean;
  readonly wait?: EventWord;
  readonly timeout: number;
  readonly json?: boolean;
}

const examples = `
Examples:
  sealpost send desk@fire.test 'Smoke' --as kitchen-alarm@home.test --precedence flash --expires 2m
  sealpost send desk@fire.test 'Smoke' --as kitchen-alarm@home.test --wait acknowledged --timeout 1m
  date | sealpost send ann@home.test --as desk@fire.test --subject 'The time' --json`;

export function sendCommand(context: Context): Command {
  const command = new Command('send')
    .description('send a message; returns when your server has it on disk')
    .argument('<to>', 'address of the recipient')
    .argument('[text]', 'the text; from standard input when absent or -')
    .addOption(new Option('--precedence <name>', 'how urgent it is').choices(precedenceNames))
    .option('--expires <duration>', 'how long it may still be delivered: 90s, 2m, 1h30m, 7d', duration)
    .option('--ask <events>', 'what you want to hear of: delivered,fetched,opened,acknowledged', eventWords)
    .option('--subject <line>', 'subject')
    .option('--id <uuid>', 'message id; the same id never makes a second message')
    .option('--in-reply-to <uuid>', 'message id that this answers')
    .option('--attempts <count>', 'how often it may be offered to the recipient', count)
    .option('--discard', 'no word when it expires')
    .addOption(
      new Option('--wait <event>', 'wait for signed evidence of it').choices([
        'delivered',
        'fetched',
        'acknowledged',
      ]),
    )
    .addOption(new Option('--timeout <duration>', 'how long to wait').argParser(duration).default(30, '30s'));
  return withAccountOptions(command)
    .addHelpText('after', examples)
    .action(async (to: string, text: string | undefined, options: SendOptions) => {
      const body = text === undefined || text === '-' ? await readText(context) : text;
      await withClient(context, options, async (client) => {
        const sent = await client.send(outboundOf(to, body, options));
        await report(context, sent, options);
      });
    });
}

function outboundOf(to: string, body: string, options: SendOptions): Outbound {
  const { precedence, expires, subject, id, inReplyTo, wait } = options;
  const ask = [...(options.ask ?? []), ...(wait === undefined ? [] : [wait])];
  const attempts = attemptsOf(options);
  return {
    to,
    body,
    ask,
    ...(precedence === undefined ? {} : { precedence }),
    ...(expires === undefined ? {} : { lifetimeSeconds: expires }),
    ...(subject === undefined ? {} : { subject }),
    ...(id === undefined ? {} : { id }),
    ...(inReplyTo === undefined ? {} : { inReplyTo }),
    ...(attempts === undefined ? {} : { attempts }),
  };
}

function attemptsOf({ attempts, discard }: SendOptions): Attempts | undefined {
  if (attempts === undefined && discard !== true) return undefined;
  return {
    ...(attempts === undefined ? {} : { max: attempts }),
    ...(discard === true ? { onExpiry: 'discard' as const } : {}),
  };
}

/** Says what is known when waiting is over, then fails if it did not end as hoped. */
async function report(context: Context, sent: Sent, { wait, timeout, json }: SendOptions): Promise<void> {
  const { terminal, ending } = context;
  let problem: unknown;
  if (wait !== undefined) {
    const signal = AbortSignal.any([ending, AbortSignal.timeout(timeout * 1000)]);
    await sent.until(wait, { signal }).catch((error: unknown) => {
      problem = signal.aborted ? notYet(sent, wait) : error;
    });
  }
  if (json === true) {
    const evidence = inOrder(sent.timeline).map(noticeJson);
    terminal.out(
      JSON.stringify({ id: sent.id, to: sent.to, ...(wait === undefined ? {} : { wait }), evidence }),
    );
  } else {
    terminal.out(`${terminal.style('bold', sent.id)} → ${sent.to}`);
    for (const line of timelineLines(terminal, sent.timeline)) terminal.out(line);
  }
  if (problem !== undefined) throw problem;
}

/** Waiting is over; the message is not. */
function notYet({ id }: Sent, wait: EventWord): CommandError {
  const sentence = `No evidence of '${wait}' came in time; it may still come: sealpost trace ${id}.`;
  return new CommandError('undecided', sentence, ExitCode.temporary);
}

/** Standard input as it is: text is not trimmed, and what is not UTF-8 is refused rather than mended. */
async function readText({ stdin }: Context): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > bodyBytesMax) throw new SealpostError({ code: 'body-too-large' });
    chunks.push(bytes);
  }
  const text = utf8Text(Buffer.concat(chunks));
  if (text === undefined) throw new SealpostError({ code: 'body-format' });
  return text;
}
