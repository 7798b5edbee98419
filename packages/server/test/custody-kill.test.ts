// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Event, type MessageId } from '@sealpost/protocol';
import { sampleRecipient, sampleSender } from '@sealpost/testing';
import { openAt, scratchDirectory } from './custody-place.ts';

const child = fileURLToPath(new URL('custody-kill-child.ts', import.meta.url));
const rounds = 4;

/** Runs the child until it has written `lines` lines, then kills it; returns every whole line it wrote. */
async function killedAfter(directory: string, lines: number): Promise<string[]> {
  const args = ['--conditions=sealpost-source', child, directory];
  const process_ = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const written: string[] = [];
  const reader = createInterface({ input: process_.stdout });
  reader.on('line', (line) => {
    written.push(line);
    if (written.length === lines) process_.kill('SIGKILL');
  });
  const [[code, signal]] = await Promise.all([once(process_, 'exit'), once(reader, 'close')]);
  assert.deepEqual([code, signal], [null, 'SIGKILL']);
  return written.filter((line) => line.length > 36);
}

test('what had been acknowledged when the process was killed is there, once, with its evidence', async (t) => {
  const directory = scratchDirectory(t);
  const said: { accepted: Set<string>; 'handed-over': Set<string> } = {
    accepted: new Set(),
    'handed-over': new Set(),
  };
  for (let round = 0; round < rounds; round++) {
    for (const line of await killedAfter(directory, 200 + Math.floor(Math.random() * 3000))) {
      const [word, id = ''] = line.split(' ');
      said[word as keyof typeof said].add(id);
    }
    const custody = await openAt(directory);
    let handedOver = 0;
    for (const id of said.accepted) {
      const stored = await custody.stored(sampleRecipient, id as MessageId);
      assert.ok(stored !== undefined, `${id} is lost`);
      if (said['handed-over'].has(id)) assert.equal(stored.state, 7, id);
      const timeline = await custody.timeline(sampleSender, id as MessageId);
      const events = timeline.map((row) => row.events);
      const first = [Event.relayed, Event.delivered];
      assert.deepEqual(events, stored.state === 7 ? [first, [Event.fetched]] : [first], id);
      assert.equal(stored.body?.length, 700);
    }
    for (const { state, count } of await custody.outcomes()) if (state === 7) handedOver = count;
    const reports = await custody.reports('city.test', 1_000_000);
    assert.equal(reports.length, handedOver, 'a report for every hand-over, and for nothing else');
    assert.equal(new Set(reports.map(({ seq }) => seq)).size, reports.length);
    await custody.close();
  }
  assert.ok(said.accepted.size > 200 && said['handed-over'].size > 0);
});
