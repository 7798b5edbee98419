// SPDX-License-Identifier: Apache-2.0
// What the operator of a domain sees: numbers that are right, health that is true, a log that names nobody.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { parseExposition, requireTool, sampleOf, smallTmpfs, type Family } from '@sealpost/testing';
import { root, run, temporaryDirectory, words, type Finished } from './_harness.ts';
import { Prepared, Served, password } from './_served.ts';

const withPages = ['--set', 'operations.listen=127.0.0.1:0'];

interface Watched extends Served {
  readonly ready: Served['ready'] & { readonly operationsPort: number };
}

async function watched(t: TestContext, prepared: Prepared): Promise<{ served: Watched; log: () => string }> {
  const served = (await Served.start(t, prepared, ...withPages)) as Watched;
  let text = '';
  served.process.stderr.on('data', (chunk) => (text += chunk));
  return { served, log: () => text };
}

function page({ ready }: Watched, path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${ready.operationsPort}${path}`);
}

async function metrics(served: Watched): Promise<ReadonlyMap<string, Family>> {
  return parseExposition(await (await page(served, '/metrics')).text());
}

const patienceMs = 20_000;

type Wanted = readonly [name: string, labels: Readonly<Record<string, string>>, value: number];

/** What happens after an acknowledgement is a moment later in the numbers. */
async function counted(served: Watched, wanted: readonly Wanted[]): Promise<void> {
  const untilMs = Date.now() + patienceMs;
  for (;;) {
    const now = await metrics(served);
    const isBehind = wanted.some(([name, labels, value]) => (sampleOf(now, name, labels) ?? 0) < value);
    if (isBehind && Date.now() < untilMs) continue;
    for (const [name, labels, value] of wanted)
      assert.equal(sampleOf(now, name, labels), value, `${name} ${JSON.stringify(labels)}`);
    return;
  }
}

function publish({ ready }: Served, from: string, line: string, secret = password): Promise<Finished> {
  const { host, port } = ready.mqtt;
  const connection = ['-V', '5', '-h', host, '-p', String(port), '-u', from, '-P', secret];
  return run('mosquitto_pub', [...connection, ...words(`-q 1 ${line}`)]);
}

async function published(...args: Parameters<typeof publish>): Promise<void> {
  const { code, stderr } = await publish(...args);
  assert.equal(code, 0, stderr);
}

test(
  'the numbers are those of what happened, in the sender’s domain and in the recipient’s',
  { timeout: 60_000 },
  async (t) => {
    if (!requireTool(t, 'mosquitto_pub', 'mosquitto-clients')) return;
    const [home, fire] = await Promise.all([Prepared.init('home.test'), Prepared.init('fire.test')]);
    await fire.addPeer(home);
    const atFire = await watched(t, fire);
    await home.addPeer(fire, atFire.served.ready.relay);
    const [ann, bob, desk] = ['ann@home.test', 'bob@home.test', 'desk@fire.test'] as const;
    await home.person(ann, '--ceiling', 'flash');
    await home.person(bob);
    await fire.person(desk, '--grant', 'flash');
    const atHome = await watched(t, home);
    const { served } = atHome;
    await served.logged(/"event":"started"/);

    for (let n = 0; n < 5; n++) await published(served, ann, `-t mail/to/${bob} -m m${n}`);
    for (let n = 0; n < 3; n++)
      await published(served, ann, `-t mail/to/${desk} -m m${n} -D publish user-property precedence flash`);
    for (let n = 0; n < 2; n++) await publish(served, ann, `-t mail/to/nobody@home.test -m m${n}`);
    await publish(served, ann, '-t mail/to/ann@elsewhere.test -m m');
    await publish(served, ann, '-t mail/inbox/routine/x -m m');
    for (let n = 0; n < 4; n++) await publish(served, bob, `-t mail/to/${ann} -m m`, 'a guess');
    const { host, port } = served.ready.mqtt;
    const reading = words(`-V 5 -q 1 -c -i bob1 -u ${bob} -t mail/inbox/# -C 5 -W 30`);
    assert.equal(
      (await run('mosquitto_sub', [...reading, '-h', host, '-p', String(port), '-P', password])).code,
      0,
    );

    const flash = { lane: 'flash' };
    await counted(served, [
      ['sealpost_submissions_total', { answer: 'ok' }, 8],
      ['sealpost_submissions_total', { answer: 'mailbox-unknown' }, 2],
      ['sealpost_submissions_total', { answer: 'peer-unknown' }, 1],
      ['sealpost_requests_total', { answer: 'topic-invalid' }, 1],
      ['sealpost_sign_ins_total', { answer: 'credentials-invalid' }, 4],
      ['sealpost_sign_ins_total', { answer: 'ok' }, 13],
      ['sealpost_messages_accepted_total', { from: 'account', lane: 'routine' }, 5],
      ['sealpost_messages_accepted_total', { from: 'account', ...flash }, 3],
      ['sealpost_events_total', { event: 'delivered', lane: 'routine' }, 5],
      ['sealpost_events_total', { event: 'fetched', lane: 'routine' }, 5],
      ['sealpost_events_total', { event: 'relayed', ...flash }, 3],
      ['sealpost_events_total', { event: 'delivered', ...flash }, 3],
      ['sealpost_links_total', { event: 'up' }, 1],
      ['sealpost_peer_link_up', { peer: 'fire.test' }, 1],
      ['sealpost_faults_total', {}, 0],
    ]);
    await counted(atFire.served, [
      ['sealpost_messages_accepted_total', { from: 'peer', ...flash }, 3],
      ['sealpost_relay_requests_total', { what: 'message', answer: 'ok' }, 3],
      ['sealpost_events_total', { event: 'delivered', ...flash }, 3],
      ['sealpost_queued_messages', { queue: 'mailbox', ...flash }, 3],
    ]);

    await served.end();
    for (const line of `${atHome.log()}${atFire.log()}`.trim().split('\n')) {
      assert.equal(typeof (JSON.parse(line) as { sentence: unknown }).sentence, 'string');
      assert.doesNotMatch(line, /ann|bob|desk|nobody|guess|open sesame/);
    }
    for (const event of ['link-up', 'sign-in-refused', 'draining', 'stopped'])
      assert.match(atHome.log(), new RegExp(`"event":"${event}"`));
  },
);

test(
  'a full disk is said by /readyz and in the log, mail is still handed over, and room ends it',
  { timeout: 60_000 },
  async (t) => {
    if (!requireTool(t, 'mosquitto_pub', 'mosquitto-clients')) return;
    let running: Watched | undefined;
    const disk = smallTmpfs(t, 112, async () => running?.end());
    if (disk === undefined) return;
    const home = await Prepared.init('home.test');
    const ann = 'ann@home.test';
    await home.person(ann);
    await cp(join(home.directory, 'data'), disk.directory, { recursive: true });
    await home.edit((text) => text.replace('data = "data"', `data = "${disk.directory}"`));
    const { served, log } = await watched(t, home);
    running = served;
    await published(served, ann, `-t mail/to/${ann} -m before`);
    assert.equal((await page(served, '/readyz')).status, 200);

    disk.fill();
    await publish(served, ann, `-t mail/to/${ann} -m refused`);
    await counted(served, [
      ['sealpost_submissions_total', { answer: 'storage-full' }, 1],
      ['sealpost_store_writable', {}, 0],
    ]);
    await becomes(served, '/readyz', 503);
    assert.match(await (await page(served, '/readyz')).text(), /disk is full/);
    assert.equal((await page(served, '/livez')).status, 200);
    const { host, port } = served.ready.mqtt;
    const reading = words(`-V 5 -q 1 -c -i ann1 -u ${ann} -t mail/inbox/# -C 1 -W 30`);
    const read = await run('mosquitto_sub', [...reading, '-h', host, '-p', String(port), '-P', password]);
    assert.equal(read.stdout, 'before\n');

    disk.empty();
    await becomes(served, '/readyz', 200);
    await published(served, ann, `-t mail/to/${ann} -m after`);
    await served.end();
    assert.match(log(), /"event":"store-full"[^]*"event":"store-writable"/);
  },
);

async function becomes(served: Watched, path: string, status: number): Promise<void> {
  while ((await page(served, path)).status !== status);
}

test(
  'systemd is told of the start, a reload, that all is well, and the end',
  { timeout: 60_000 },
  async (t) => {
    const python = requireTool(t, 'python3', 'python3');
    if (python === undefined || !requireTool(t, 'systemd-notify', 'systemd')) return;
    const socket = join(await temporaryDirectory(), 'notify');
    const listening = spawn(python, [join(root, 'e2e/_notify-socket.py'), socket]);
    t.after(() => listening.kill());
    const datagrams = createInterface({ input: listening.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<string[]> => {
      const { value } = await datagrams.next();
      const said = JSON.parse(String(value)) as string[];
      // Another word for "have you got it": systemd-notify waits for that.
      return said[0] === 'BARRIER=1' ? next() : said;
    };
    await next();
    const home = await Prepared.init('home.test');
    Object.assign(process.env, { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '900000' });
    t.after(() => {
      delete process.env['NOTIFY_SOCKET'];
      delete process.env['WATCHDOG_USEC'];
    });
    const { served } = await watched(t, home);
    assert.deepEqual(await next(), ['READY=1', 'STATUS=home.test is up.']);
    const until = async (first: string): Promise<string[]> => {
      for (let said = await next(); ; said = await next()) {
        if (said[0] === first) return said;
        assert.deepEqual(said, ['WATCHDOG=1']);
      }
    };
    await until('WATCHDOG=1');
    served.hangUp();
    const [, monotonic] = await until('RELOADING=1');
    assert.match(monotonic ?? '', /^MONOTONIC_USEC=[0-9]+$/);
    await until('READY=1');
    const ended = once(served.process, 'exit');
    served.process.kill('SIGTERM');
    assert.equal((await until('STOPPING=1'))[0], 'STOPPING=1');
    assert.deepEqual(await ended, [0, null]);
  },
);
