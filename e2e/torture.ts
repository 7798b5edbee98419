// SPDX-License-Identifier: Apache-2.0
// The long form of 05-torture.test.ts:  npm run torture -- [--messages 2000] [--seeds 10] [--first 1] [--kills 4]
import { parseArgs } from 'node:util';
import { torture } from './_torture.ts';

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '2000' },
    seeds: { type: 'string', default: '10' },
    first: { type: 'string', default: '1' },
    kills: { type: 'string', default: '4' },
  },
});
const first = Number(values.first);
const kills = Number(values.kills);
const messages = Number(values.messages);
for (let seed = first; seed < first + Number(values.seeds); seed += 1) {
  const began = performance.now();
  const result = await torture({ messages, kills, seed });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`seed ${seed}: ${kills} kills, ${seconds} s, ${JSON.stringify(result)}`);
}
