// SPDX-License-Identifier: Apache-2.0
// Where the time of a message goes: the server's main thread under full load, as a flame graph.
//   npm run bench:profile -- [--messages 4000] [--out docs/flame-graph.svg]
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Dev } from '../e2e/_harness.ts';
import { flameGraph, type CpuProfile } from './flame-graph.ts';
import { round } from './round.ts';

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '4000' },
    out: { type: 'string', default: 'docs/flame-graph.svg' },
  },
});
const messages = Number(values.messages);

/** The main thread's profile is the largest: the store's threads do little in JavaScript. */
async function mainProfile(directory: string): Promise<CpuProfile> {
  const profiles: CpuProfile[] = [];
  for (const name of await readdir(directory))
    profiles.push(JSON.parse(await readFile(join(directory, name), 'utf8')) as CpuProfile);
  const [largest] = profiles.toSorted((a, b) => b.nodes.length - a.nodes.length);
  if (largest === undefined) throw new Error('the server wrote no profile');
  return largest;
}

const directory = await mkdtemp(join(tmpdir(), 'sealpost-profile-'));
const profiles = join(directory, 'profiles');
// For the server alone: this process has started without it.
process.env['NODE_OPTIONS'] = `--cpu-prof --cpu-prof-dir=${profiles}`;
try {
  const dev = await Dev.start(join(directory, 'data'));
  const { perSecond } = await round(dev, 'stock', 0, messages);
  await dev.end();
  const title = `Two domains in one process, ${messages} stock messages as fast as they go: main thread, without waiting`;
  await writeFile(values.out, flameGraph(await mainProfile(profiles), title));
  console.log(`${perSecond.toFixed(0)} messages/s under the profiler; ${values.out}`);
} finally {
  await rm(directory, { recursive: true, force: true });
}
