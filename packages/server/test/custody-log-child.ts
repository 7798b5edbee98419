// SPDX-License-Identifier: Apache-2.0
// node custody-log-child.ts <directory> <commits>
// Accepts so many messages, each with a commit of its own, writes each id after that, and waits to be killed.
import { writeSync } from 'node:fs';
import { sampleAcceptance } from '@sealpost/testing';
import { openAt } from './custody-place.ts';

const [, , directory = '', commits] = process.argv;
const custody = await openAt(directory);

for (let left = Number(commits); left > 0; left--) {
  const message = sampleAcceptance({ body: Buffer.alloc(3000, 7) });
  const { kind } = await custody.commit(message);
  if (kind === 'applied') writeSync(1, `${message.id}\n`);
}
setInterval(() => {}, 1000);
