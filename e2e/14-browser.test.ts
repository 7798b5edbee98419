// SPDX-License-Identifier: Apache-2.0
// The SDK in a browser: Debian's Chromium, over WebSocket, against two domains that are started again under it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { staticAnchors } from '@sealpost/identity';
import { nodeCrypto } from '@sealpost/identity/node';
import { connectTcp } from '@sealpost/mqtt/node';
import { connect } from '@sealpost/client';
import type { Client } from '@sealpost/client';
import { decodePem } from '@sealpost/client/web';
import { pinnedAnchor } from '@sealpost/identity/web';
import { openFederation } from '@sealpost/server';
import type { Federation } from '@sealpost/server';
import { requireTool } from '@sealpost/testing';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import type { Page } from 'playwright-core';
import type { PageAccount } from './browser/page.ts';
import { root, temporaryDirectory } from './_harness.ts';
import { freePortBase } from './_torture.ts';

const ann = 'ann@home.test';
const desk = 'desk@fire.test';
/** What docs/sdk.md promises a page, and a little room. */
const gzippedBytesMax = 60_000;

const quiet =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split(
    ' ',
  );

/** The page's script, as a bundler makes it. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['e2e/browser/page.ts'],
    bundle: true,
    write: false,
    minify: true,
    platform: 'browser',
    format: 'esm',
    conditions: ['sealpost-source'],
  });
  return outputFiles[0]?.text ?? '';
}

/** A page on loopback; its origin. */
async function servePage(t: TestContext, script: string): Promise<string> {
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>');
  });
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function openPage(t: TestContext, executablePath: string, origin: string): Promise<Page> {
  const browser = await chromium.launch({ executablePath, args: quiet, headless: true });
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(origin);
  await page.waitForFunction('globalThis.sealpost !== undefined');
  return page;
}

function account(address: string, kind: 'person' | 'role') {
  return { address, kind, ceiling: 'priority', password: `of ${address}`, originKey: true } as const;
}

function open(directory: string, portBase: number, origin: string): Promise<Federation> {
  return openFederation({
    directory,
    portBase,
    origins: [origin],
    domains: [
      { domain: 'home.test', accounts: [account(ann, 'person')] },
      { domain: 'fire.test', accounts: [account(desk, 'role')] },
    ],
  });
}

async function pageAccount({ domains, accounts }: Federation): Promise<PageAccount> {
  const own = accounts.find(({ address }) => address === ann);
  const home = domains.find(({ domain }) => domain === 'home.test');
  assert.ok(own?.certFile !== undefined && own.keyFile !== undefined && home?.ws !== undefined);
  const anchors = domains.map(async ({ domain, authorityFile }) => ({
    domain,
    authorities: await readFile(authorityFile, 'utf8'),
  }));
  return {
    url: `ws://${home.ws.host}:${home.ws.port}/mqtt`,
    account: ann,
    password: own.password,
    anchors: await Promise.all(anchors),
    certificate: await readFile(own.certFile, 'utf8'),
    key: await readFile(own.keyFile, 'utf8'),
    authority: await readFile(home.authorityFile, 'utf8'),
  };
}

/** The desk, in this process. It reads everything. */
async function openDesk(t: TestContext, { domains }: Federation, given: PageAccount): Promise<Client> {
  const fire = domains.find(({ domain }) => domain === 'fire.test');
  assert.ok(fire);
  const anchors = given.anchors.map(({ domain, authorities }) => {
    const anchor = pinnedAnchor(domain, decodePem(authorities, 'CERTIFICATE'));
    assert.ok(anchor.ok);
    return anchor.value;
  });
  const client = await connect({
    account: desk,
    password: `of ${desk}`,
    dial: () => connectTcp(fire.mqtt),
    crypto: nodeCrypto,
    anchors: staticAnchors(anchors),
  });
  t.after(() => client.close());
  return client;
}

test('a page signs in, sends with its own key, receives, proves delivery, and outlives a restart', async (t) => {
  const executable = requireTool(t, 'chromium', 'chromium');
  if (executable === undefined) return;
  const script = await bundle();
  const gzipped = gzipSync(script).length;
  t.diagnostic(`bundle: ${script.length} bytes minified, ${gzipped} gzipped`);
  assert.ok(gzipped < gzippedBytesMax, `${gzipped} bytes`);
  const origin = await servePage(t, script);
  const [directory, portBase] = await Promise.all([temporaryDirectory(), freePortBase()]);
  let domains = await open(directory, portBase, origin);
  t.after(() => domains.close());
  const given = await pageAccount(domains);
  const page = await openPage(t, executable, origin);
  const call = (name: string, ...args: unknown[]): Promise<unknown> =>
    page.evaluate(`sealpost.${name}(...${JSON.stringify(args)})`);
  assert.equal(await call('refusedWith', 'wrong', given), 'credentials-invalid');
  await call('start', given);
  const deskClient = await openDesk(t, domains, given);
  const arrived: (string | undefined)[] = [];
  const reading = (async () => {
    for await (const message of deskClient.messages()) {
      assert.equal(message.sealClass, 'origin');
      message.taken();
      arrived.push(message.text);
      if (arrived.length === 2) return;
    }
  })();
  assert.deepEqual(await call('send', desk, 'from a page'), {
    accepted: 'home.test',
    delivered: 'fire.test',
    fetched: 'fire.test',
  });
  await deskClient.send({ to: ann, body: 'to a page' });
  await page.waitForFunction('sealpost.told.length === 1');
  assert.deepEqual(await page.evaluate('sealpost.told[0]'), {
    text: 'to a page',
    from: desk,
    sealClass: 'domain',
  });
  await domains.close();
  await page.waitForFunction('sealpost.states.at(-1) === "reconnecting"');
  const later = call('send', desk, 'sent while the server was down');
  domains = await open(directory, portBase, origin);
  assert.equal(((await later) as Record<string, string>)['fetched'], 'fire.test');
  await reading;
  assert.deepEqual(arrived, ['from a page', 'sent while the server was down']);
  assert.equal(await page.evaluate('sealpost.states.at(-1)'), 'connected');
});

test('a page of another origin gets no connection', async (t) => {
  const executable = requireTool(t, 'chromium', 'chromium');
  if (executable === undefined) return;
  const origin = await servePage(t, await bundle());
  const [directory, portBase] = await Promise.all([temporaryDirectory(), freePortBase()]);
  const domains = await open(directory, portBase, 'https://another.example');
  t.after(() => domains.close());
  const given = await pageAccount(domains);
  const page = await openPage(t, executable, origin);
  const args = JSON.stringify([given.password, given]);
  assert.equal(await page.evaluate(`sealpost.refusedWith(...${args})`), 'unreachable');
});
