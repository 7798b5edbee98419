// SPDX-License-Identifier: Apache-2.0
// A domain whose disk is full, seen by its clients. packages/server/test/custody-disk.test.ts looks at the store itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { smallTmpfs } from '@sealpost/testing';
import { Dev, JsClient } from './_harness.ts';

const alarm = 'kitchen-alarm@home.test';
const ann = 'ann@home.test';

test('without room new mail is refused for now, what waits is handed over, and room ends it', async (t) => {
  const running: Dev[] = [];
  const disk = smallTmpfs(t, 128, () => Promise.all(running.map((dev) => dev.end())));
  if (disk === undefined) return;
  const dev = await Dev.start(disk.directory);
  running.push(dev);
  const sender = await JsClient.connect(t, dev, alarm);
  assert.equal((await sender.publish(`mail/to/${ann}`, 'smoke')).reasonCode, 0);
  disk.fill();
  const refused = await sender.publish(`mail/to/${ann}`, 'more smoke');
  assert.deepEqual([refused.reasonCode, refused.properties['error']], [0x97, 'storage-full']);
  const reader = await JsClient.connect(t, dev, ann);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  assert.equal((await reader.next()).text, 'smoke');
  disk.empty();
  assert.equal((await sender.publish(`mail/to/${ann}`, 'all is well')).reasonCode, 0);
  assert.equal((await reader.next()).text, 'all is well');
});
