// SPDX-License-Identifier: Apache-2.0
// A domain whose disk is full, seen by its clients. packages/server/test/custody-disk.test.ts looks at the store itself.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { AccountKind } from '@sealpost/protocol';
import { smallTmpfs } from '@sealpost/testing';
import { Dev, JsClient, temporaryDirectory } from './_harness.ts';
import { Home, Peer, account, estate, propertyOf } from './_peer.ts';
import { claimsOf, originSignerOf, sealOf, sealText } from './_seals.ts';

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

test('without room the certificates of messages that are refused do not fill what is left', async (t) => {
  const evil = await estate('evil.test');
  const directory = await temporaryDirectory();
  // More than any disk has: as if it were full.
  const room = { spareBytes: Number.MAX_SAFE_INTEGER, keptBytes: 4096 };
  const at = await Home.open(t, [evil], [await account(ann, AccountKind.person)], { directory, room });
  const peer = await Peer.linked(t, evil, at);
  const before = await readdir(join(directory, 'certificates'));
  for (let n = 0; n < 3; n += 1) {
    const key = await originSignerOf(evil.authority, 'mallory@evil.test', AccountKind.person);
    const seal = await sealOf(claimsOf('mallory@evil.test', ann), key, 'spam');
    const answer = await peer.relay(sealText(seal, key.chain), 'spam');
    assert.deepEqual([answer.reasonCode, propertyOf(answer, 'error')], [0x97, 'storage-full']);
  }
  assert.deepEqual(await readdir(join(directory, 'certificates')), before);
});
