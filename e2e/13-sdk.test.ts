// SPDX-License-Identifier: Apache-2.0
// The SDK with a server that is killed under it and started again: nothing is lost, nothing comes twice.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import type { Client } from '@sealpost/client';
import { connectProfile, readProfile } from '@sealpost/client/node';
import { Dev, root, temporaryDirectory } from './_harness.ts';
import { freePortBase } from './_torture.ts';

const alarm = 'kitchen-alarm@home.test';
const desk = 'desk@fire.test';

/** A federation that can be killed and started again where it was. */
class Restartable {
  readonly dataDir: string;
  readonly #portBase: string;
  #dev: Dev;

  private constructor(dataDir: string, portBase: string, dev: Dev) {
    this.dataDir = dataDir;
    this.#portBase = portBase;
    this.#dev = dev;
  }

  static async start(t: TestContext): Promise<Restartable> {
    const dataDir = await temporaryDirectory();
    const portBase = String(await freePortBase());
    const domains = new Restartable(dataDir, portBase, await Dev.start(dataDir, '--port-base', portBase));
    t.after(() => domains.kill());
    return domains;
  }

  async kill(): Promise<void> {
    await this.#dev.end('SIGKILL');
  }

  async again(): Promise<void> {
    this.#dev = await Dev.start(this.dataDir, '--port-base', this.#portBase);
  }

  async connect(t: TestContext, address: string): Promise<Client> {
    const profile = await readProfile(join(this.dataDir, 'profiles', `${address}.json`));
    assert.ok(profile.ok);
    const client = await connectProfile(profile.value);
    t.after(() => client.close());
    return client;
  }
}

async function reached(client: Client, kind: 'connected' | 'reconnecting'): Promise<void> {
  for await (const state of client.states()) if (state.kind === kind) return;
  assert.fail(`it was never ${kind}`);
}

test('messages and evidence go on over kill -9: each one is shown once, and each outcome is proved', async (t) => {
  const domains = await Restartable.start(t);
  const sender = await domains.connect(t, alarm);
  const reader = await domains.connect(t, desk);
  const count = 60;
  const shown: string[] = [];
  const reading = (async () => {
    for await (const message of reader.messages()) {
      assert.ok(message.verified.ok);
      message.taken();
      shown.push(message.text ?? '');
      if (shown.length === count + 1) return;
    }
  })();
  const sending = Array.from({ length: count }, async (_, index) => {
    const sent = await sender.send({ to: desk, body: String(index), ask: ['fetched'] });
    assert.equal(sent.accepted?.digestChecked, true);
    return sent.until('fetched');
  });
  // Once with messages on their way, once with messages that have to wait for a connection.
  await Promise.race(sending);
  const states = [reached(sender, 'reconnecting'), reached(reader, 'reconnecting')];
  await domains.kill();
  await Promise.all(states);
  sending.push(
    (async () => {
      const sent = await sender.send({ to: desk, body: 'offline', ask: ['delivered'] });
      return sent.until('delivered');
    })(),
  );
  await domains.again();
  await reading;
  const evidence = await Promise.all(sending);
  for (const { signer, digestChecked } of evidence)
    assert.deepEqual([signer.domain, signer.anchorProof, digestChecked], ['fire.test', 'static', true]);
  const expected = Array.from({ length: count }, (_, index) => String(index));
  const all = new Set([...expected, 'offline']);
  assert.equal(new Set(shown).size, shown.length, 'one came twice');
  assert.ok(shown.every((text) => all.has(text)));
});

/** Each call is the next line. */
function lineReader(input: Readable): () => Promise<string> {
  const lines = createInterface({ input })[Symbol.asyncIterator]();
  return async () => {
    const { value } = await lines.next();
    assert.ok(typeof value === 'string', 'it ended');
    return value;
  };
}

function textOf(line: string): string {
  return (JSON.parse(line) as { text: string }).text;
}

test('sealpost watch goes on over a restart, and says so in one line', async (t) => {
  const domains = await Restartable.start(t);
  const main = join(root, 'packages/cli/src/main.ts');
  const account = ['--as', desk, '--data', domains.dataDir];
  const command = ['watch', ...account, '--json', '--count', '2'];
  const watch = spawn(process.execPath, ['--conditions=sealpost-source', main, ...command]);
  t.after(() => watch.kill());
  const exited = once(watch, 'exit');
  const messages = lineReader(watch.stdout);
  const talk = lineReader(watch.stderr);
  const sender = await domains.connect(t, alarm);
  await sender.send({ to: desk, body: 'before' });
  assert.equal(textOf(await messages()), 'before');
  await domains.kill();
  assert.match(await talk(), /^connection lost/);
  await domains.again();
  assert.match(await talk(), /^connected again/);
  await sender.send({ to: desk, body: 'after' });
  assert.equal(textOf(await messages()), 'after');
  const [code] = (await exited) as [number];
  assert.equal(code, 0);
});
