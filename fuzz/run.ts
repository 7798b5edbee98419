// SPDX-License-Identifier: Apache-2.0
// npm run fuzz -- [--minutes N | --seconds N] [--target NAME]… [--seed N] [--jobs N] [--input BASE64] [--outcomes] [--list]
import { parseArgs } from 'node:util';
import { replayCommand } from './engine/finding.ts';
import { fuzz, replay } from './engine/watch.ts';
import { formatResult, outcomesShown } from './format.ts';
import type { Target } from './target.ts';
import { targets } from './targets.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seconds: { type: 'string' },
    target: { type: 'string', multiple: true },
    seed: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    input: { type: 'string' },
    outcomes: { type: 'boolean' },
    list: { type: 'boolean' },
  },
});

function numberOf(text: string | undefined, fallback: number): number {
  const number = text === undefined ? fallback : Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new RangeError(`not a positive number: ${text}`);
}

const names = values.target ?? targets.map(({ name }) => name);
const chosen = names.map((name) => {
  const target = targets.find((candidate) => candidate.name === name);
  if (target !== undefined) return target;
  throw new RangeError(`no target ${name}: there is ${targets.map(({ name }) => name).join(', ')}`);
});

async function replayInput(target: Target, text: string): Promise<void> {
  const finding = await replay(target, Buffer.from(text, 'base64'));
  console.log(finding?.description ?? 'holds');
  if (finding !== undefined) process.exitCode = 1;
}

async function campaign(target: Target, seed: number, milliseconds: number): Promise<void> {
  const result = await fuzz(target, seed, milliseconds);
  console.log(formatResult(target.name, seed, result, values.outcomes === true ? Infinity : outcomesShown));
  for (const { description, input } of result.findings) {
    console.log(`\n${target.name}: ${description}\n  ${replayCommand(target.name, input)}\n`);
    process.exitCode = 1;
  }
}

if (values.list === true) {
  for (const { name, invariant } of targets) console.log(`${name}: ${invariant}`);
} else if (values.input !== undefined) {
  for (const target of chosen) await replayInput(target, values.input);
} else {
  const seed = numberOf(values.seed, Date.now() % 2 ** 32);
  const seconds =
    values.seconds === undefined ? numberOf(values.minutes, 1) * 60 : numberOf(values.seconds, 1);
  const waiting = [...chosen];
  const job = async (): Promise<void> => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift())
      await campaign(target, seed, seconds * 1000);
  };
  await Promise.all(Array.from({ length: numberOf(values.jobs, 2) }, job));
}
