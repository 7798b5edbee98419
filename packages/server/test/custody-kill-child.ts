// SPDX-License-Identifier: Apache-2.0
// Accepts and hands over until it is killed. Writes a line for each step, after its commit has resolved.
import { writeSync } from 'node:fs';
import { handOver, sampleAcceptance } from '@sealpost/testing';
import { openAt } from './custody-place.ts';

const [, , directory = ''] = process.argv;
const underWay = 48;
const custody = await openAt(directory);

function say(word: string, id: string): void {
  writeSync(1, `${word} ${id}\n`);
}

async function work(): Promise<void> {
  for (;;) {
    const message = sampleAcceptance({ body: Buffer.alloc(700, 7) });
    const accepted = await custody.commit(message);
    if (accepted.kind === 'applied') say('accepted', message.id);
    const taken = await custody.commit(handOver(message, { report: 'city.test' }));
    if (taken.kind === 'applied') say('handed-over', message.id);
  }
}

await Promise.all(Array.from({ length: underWay }, work));
