// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { connectProfile } from '@sealpost/client/node';
import { startPoolAtLowerPriority } from '@sealpost/identity/node';
import { Command, Option } from 'commander';
import { portBase } from '../arguments.ts';
import type { Context } from '../context.ts';
import { alarm, desk } from '../dev/plan.ts';
import { readyLine } from '../dev/ready-line.ts';
import type { DevSession } from '../dev/session.ts';
import { snippets } from '../dev/snippets.ts';
import { playStory } from '../dev/story.ts';
import { findProfile } from '../profile-discovery.ts';

interface DevCommandOptions {
  readonly data?: string;
  readonly portBase?: number;
  readonly once?: boolean;
  readonly json?: boolean;
}

const storySecondsMax = 30;

const examples = `
Examples:
  sealpost dev
  sealpost dev --data ./federation --port-base 18830
  sealpost dev --once
  sealpost dev --json`;

export function devCommand(context: Context): Command {
  return new Command('dev')
    .description('two domains on this machine: play the story of an alarm, then stay up to be tried')
    .option('--data <dir>', 'keep everything in this folder; a temporary one otherwise')
    .option('--port-base <port>', 'first of the ports to listen on; free ones otherwise', portBase)
    .option('--once', 'play the story and end: 0 only if every expected evidence arrived and verified')
    .addOption(new Option('--json', 'no story: one line of JSON when ready, and stay up').conflicts('once'))
    .addHelpText('after', examples)
    .action((options: DevCommandOptions) => dev(context, options));
}

async function dev(context: Context, options: DevCommandOptions): Promise<void> {
  const { terminal, env, ending } = context;
  await startPoolAtLowerPriority();
  // Only here: no other command should pay for loading a server.
  const { openDevSession } = await import('../dev/session.ts');
  const session = await openDevSession({
    env,
    log: (line) => terminal.talk(line),
    ...(options.data === undefined ? {} : { data: options.data }),
    ...(options.portBase === undefined ? {} : { portBase: options.portBase }),
  });
  try {
    if (options.json === true) terminal.out(readyLine(session.dataDir, session.federation));
    else await tellStory(context, session, options.once === true);
    if (options.once !== true && !ending.aborted)
      await Promise.race([once(ending, 'abort'), session.failure]);
  } catch (error) {
    // Asked to end in the middle of the story: that is an end, not a failure.
    if (!ending.aborted) throw error;
  } finally {
    await session.close();
  }
}

async function tellStory(context: Context, session: DevSession, isAll: boolean): Promise<void> {
  const { terminal, ending } = context;
  const { federation, dataDir } = session;
  const names = federation.domains.map(({ domain }) => domain).join(' and ');
  terminal.out(terminal.style('bold', `Two domains are up: ${names}`));
  terminal.out(`Their data is in ${dataDir}${session.isTemporary ? ', until this ends' : ''}.`);
  terminal.out('');
  const storyId = await storyOf(context, dataDir);
  if (isAll || ending.aborted) return;
  terminal.out('');
  terminal.out(terminal.style('bold', 'Try it from another terminal, in this folder:'));
  terminal.out('');
  for (const line of snippets(federation, storyId))
    terminal.out(line.startsWith('#') ? terminal.style('dim', line) : line);
  terminal.out('');
  terminal.out('Ctrl-C ends it.');
}

async function storyOf({ terminal, env, ending }: Context, dataDir: string): Promise<string> {
  const signal = AbortSignal.any([ending, AbortSignal.timeout(storySecondsMax * 1000)]);
  const connectAs = async (as: string) =>
    connectProfile(await findProfile({ as, data: dataDir }, env), { failFast: true });
  const deskClient = await connectAs(desk);
  try {
    const alarmClient = await connectAs(alarm);
    try {
      const sent = await playStory({ terminal, alarm: alarmClient, desk: deskClient, signal });
      return sent.id;
    } finally {
      await alarmClient.close();
    }
  } finally {
    await deskClient.close();
  }
}
