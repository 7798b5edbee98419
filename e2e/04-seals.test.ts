// SPDX-License-Identifier: Apache-2.0
// Clients that seal with their own key: what arrives, and what is refused.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test, type TestContext } from 'node:test';
import type { IClientOptions } from 'mqtt';
import { createAuthority, generateKeys, loadAuthority, nodeCrypto } from '@sealpost/identity/node';
import {
  AccountKind,
  Event,
  Precedence,
  decodeSeal,
  describeError,
  fromBase64Url,
  isErrorCode,
  parseDomain,
  toBase64Url,
  type Attestation,
  type Domain,
  type Seal,
  type Signer,
} from '@sealpost/protocol';
import { requireTool } from '@sealpost/testing';
import { Dev, JsClient, federation, run, temporaryDirectory, type Arrived } from './_harness.ts';
import {
  claimsOf,
  domainCredential,
  nowSeconds,
  originSigner,
  sealOf,
  sealText,
  signerFrom,
} from './_seals.ts';

const alarm = 'kitchen-alarm@home.test';
const ann = 'ann@home.test';
const desk = 'desk@fire.test';
const toDesk = `mail/to/${desk}`;

interface Scene {
  readonly dev: Dev;
  readonly sender: JsClient;
  readonly reader: JsClient;
  readonly own: Signer;
}

async function scene(t: TestContext): Promise<Scene> {
  const dev = await federation(t);
  const sender = await JsClient.connect(t, dev, alarm);
  const reader = await JsClient.connect(t, dev, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  return { dev, sender, reader, own: await originSigner(dev, alarm) };
}

/** Options of a client that signs in with its account's certificate. */
async function byCertificate(dev: Dev, account: string): Promise<IClientOptions> {
  const { certFile, keyFile } = dev.account(account);
  const { host, port, caFile } = dev.domainOf(account).mqtts;
  const [cert, key, ca] = await Promise.all([certFile, keyFile, caFile].map((file) => readFile(file)));
  assert.ok(cert && key && ca);
  return { protocol: 'mqtts', host, port, ca, cert, key };
}

function sealFrom(arrived: Arrived): Seal {
  const bytes = fromBase64Url(String(arrived.properties['seal']));
  assert.ok(bytes);
  const seal = decodeSeal(bytes, nodeCrypto);
  assert.ok(seal.ok);
  return seal.value;
}

function domain(text: string): Domain {
  const parsed = parseDomain(text);
  assert.ok(parsed.ok);
  return parsed.value;
}

type Answer = Awaited<ReturnType<JsClient['publish']>>;

/** [ERR-1] [ERR-3] The code, its own reason code, its own sentence, and nothing else. */
function assertRefused(answer: Answer, code: string): void {
  assert.equal(answer.properties['error'], code);
  assert.ok(isErrorCode(code));
  const { mqtt, sentence } = describeError(code);
  assert.equal(answer.reasonCode, mqtt);
  assert.equal(answer.reasonString, sentence);
  const said = Object.keys(answer.properties).filter((name) => name !== 'error' && name !== 'retry-after');
  assert.deepEqual(said, []);
}

/** Whatever was refused before, the next thing that arrives is this. */
async function assertNothingBefore({ sender, reader }: Scene, text: string): Promise<void> {
  assert.equal((await sender.publish(toDesk, text)).reasonCode, 0);
  assert.equal((await reader.next()).text, text);
  assert.equal(reader.unread.length, 0);
}

test('an origin seal arrives as it was made, with flash granted, however its sender signed in', async (t) => {
  const { dev, sender, reader, own } = await scene(t);
  const secure = await JsClient.connect(t, dev, alarm, await byCertificate(dev, alarm));
  for (const client of [sender, secure]) {
    const claims = claimsOf(alarm, desk, {
      precedence: Precedence.flash,
      subject: 'Kitchen',
      ask: [Event.delivered],
    });
    const seal = await sealOf(claims, own, 'Smoke');
    const answer = await client.publish(toDesk, 'Smoke', { seal: sealText(seal, own.chain) });
    assert.equal(answer.reasonCode, 0, answer.reasonString);
    assert.equal(answer.properties['id'], claims.id);
    const arrived = await reader.next();
    assert.equal(arrived.topic, `mail/inbox/flash/${alarm}`);
    assert.equal(arrived.text, 'Smoke');
    assert.equal(arrived.properties['trust'], 'origin; anchor=static');
    assert.equal(arrived.properties['subject'], 'Kitchen');
    assert.deepEqual(sealFrom(arrived).bytes, new Uint8Array(seal.bytes));
  }
});

test('a stock client gets a domain seal, which says how it signed in and of which kind it is', async (t) => {
  const { dev, sender, reader } = await scene(t);
  const secure = await JsClient.connect(t, dev, alarm, await byCertificate(dev, alarm));
  for (const [client, method] of [
    [sender, 'password'],
    [secure, 'mtls'],
  ] as const) {
    const answer = await client.publish(toDesk, 'Smoke', { precedence: 'flash' });
    assert.equal(answer.reasonCode, 0, answer.reasonString);
    const arrived = await reader.next();
    assert.equal(arrived.properties['trust'], 'domain; anchor=static');
    assert.equal(arrived.properties['lane'], 'flash');
    const { attestation } = sealFrom(arrived).claims;
    assert.equal(attestation?.kind, AccountKind.device);
    assert.equal(attestation?.method, method);
  }
});

test('[TOPIC-6] what a stock client says in properties is in the seal, in-reply-to included', async (t) => {
  const { sender, reader } = await scene(t);
  const first = await sender.publish(toDesk, 'Smoke');
  await reader.next();
  const id = String(first.properties['id']);
  const properties = { subject: 'More', thread: id, 'in-reply-to': id, ask: 'fetched,delivered' };
  assert.equal((await sender.publish(toDesk, 'Still smoke', properties)).reasonCode, 0);
  const { claims } = sealFrom(await reader.next());
  assert.equal(claims.inReplyTo, id);
  assert.equal(claims.thread, id);
  assert.equal(claims.subject, 'More');
  assert.deepEqual(claims.ask, [Event.delivered, Event.fetched]);
});

test('[DELIV-3] the same seal twice is one message and one answer', async (t) => {
  const stage = await scene(t);
  const { sender, reader, own } = stage;
  const seal = sealText(await sealOf(claimsOf(alarm, desk), own, 'once'), own.chain);
  const first = await sender.publish(toDesk, 'once', { seal });
  const second = await sender.publish(toDesk, 'once', { seal });
  assert.equal(first.reasonCode, 0);
  assert.deepEqual(second, first);
  assert.equal((await reader.next()).text, 'once');
  await assertNothingBefore(stage, 'next');
});

test('[DELIV-3] the answer to a seal that was taken outlives the message', async (t) => {
  const dev = await federation(t);
  const own = await originSigner(dev, alarm);
  const sender = await JsClient.connect(t, dev, alarm);
  await sender.client.subscribeAsync('mail/evidence/#', { qos: 1 });
  const claims = claimsOf(alarm, desk, { expires: nowSeconds() + 2 });
  const seal = sealText(await sealOf(claims, own, 'short'), own.chain);
  const first = await sender.publish(toDesk, 'short', { seal });
  assert.equal(first.reasonCode, 0, String(first.properties['error']));
  assert.match((await sender.next()).topic, /\/lapsed$/);
  assert.deepEqual(await sender.publish(toDesk, 'short', { seal }), first);
});

interface Wrong {
  readonly name: string;
  readonly code: string;
  /** Body, topic and properties that go out. */
  make(stage: Scene): Promise<{
    readonly seal: string;
    readonly body?: string;
    readonly topic?: string;
    readonly properties?: Record<string, string>;
    readonly more?: Record<string, unknown>;
  }>;
}

/** A second key of the alarm, certified by its domain a moment ago. */
async function newSigner(dev: Dev): Promise<Signer> {
  const authority = await loadAuthority(`${dev.ready.dataDir}/home.test`);
  const { issuer } = claimsOf(alarm, desk);
  return signerFrom(await authority.issueAccount({ address: issuer, kind: AccountKind.device }));
}

const attestation: Attestation = {
  kind: AccountKind.device,
  method: 'password',
  credential: new Uint8Array(32),
};
const day = 86_400;

const wrong: readonly Wrong[] = [
  {
    name: 'a body that is not the sealed one',
    code: 'body-mismatch',
    make: async ({ own }) => ({
      seal: sealText(await sealOf(claimsOf(alarm, desk), own, 'text'), own.chain),
      body: 'Text',
    }),
  },
  {
    name: 'a seal for another recipient than the topic',
    code: 'audience-mismatch',
    make: async ({ own }) => ({
      seal: sealText(await sealOf(claimsOf(alarm, ann), own, 'text'), own.chain),
    }),
  },
  {
    name: 'another account’s valid seal',
    code: 'issuer-mismatch',
    make: async ({ dev }) => {
      const other = await originSigner(dev, ann);
      return { seal: sealText(await sealOf(claimsOf(ann, desk), other, 'text'), other.chain) };
    },
  },
  {
    name: 'one’s own name under another account’s key',
    code: 'issuer-mismatch',
    make: async ({ dev }) => {
      const other = await originSigner(dev, ann);
      return { seal: sealText(await sealOf(claimsOf(alarm, desk), other, 'text'), other.chain) };
    },
  },
  {
    name: 'a lifetime that is over',
    code: 'expired',
    make: async ({ own }) => {
      const claims = claimsOf(alarm, desk, { issuedAt: nowSeconds() - 60, expires: nowSeconds() - 1 });
      return { seal: sealText(await sealOf(claims, own, 'text'), own.chain) };
    },
  },
  {
    name: '[DELIV-2] a lifetime that is over by the seal and not by MQTT',
    code: 'clock',
    make: async ({ own }) => {
      const claims = claimsOf(alarm, desk, { issuedAt: nowSeconds() - 60, expires: nowSeconds() - 1 });
      return {
        seal: sealText(await sealOf(claims, own, 'text'), own.chain),
        more: { messageExpiryInterval: 60 },
      };
    },
  },
  {
    name: 'a lifetime of more than 30 days',
    code: 'lifetime-invalid',
    make: async ({ own }) => {
      const claims = claimsOf(alarm, desk, { expires: nowSeconds() + 30 * day + 2 });
      return { seal: sealText(await sealOf(claims, own, 'text'), own.chain) };
    },
  },
  {
    name: 'a seal of the future',
    code: 'issued-in-future',
    make: async ({ own }) => {
      const issuedAt = nowSeconds() + 310;
      const claims = claimsOf(alarm, desk, { issuedAt, expires: issuedAt + 60 });
      return { seal: sealText(await sealOf(claims, own, 'text'), own.chain) };
    },
  },
  {
    name: 'a domain seal from a client',
    code: 'certificate-wrong-role',
    make: async ({ dev }) => {
      const signer = signerFrom(await domainCredential(dev, 'home.test', 'domain-seal'));
      const claims = claimsOf(alarm, desk, { attestation });
      return { seal: sealText(await sealOf(claims, signer, 'text'), signer.chain) };
    },
  },
  {
    name: 'an attestation in an origin seal',
    code: 'claims-invalid',
    make: async ({ own }) => ({
      seal: sealText(await sealOf(claimsOf(alarm, desk, { attestation }), own, 'text'), own.chain),
    }),
  },
  {
    name: 'the link certificate as a signer',
    code: 'certificate-wrong-role',
    make: async ({ dev }) => {
      const signer = signerFrom(await domainCredential(dev, 'home.test', 'domain-link'));
      return { seal: sealText(await sealOf(claimsOf(alarm, desk), signer, 'text'), signer.chain) };
    },
  },
  {
    name: 'a certificate of the same names from an authority that nobody anchored',
    code: 'certificate-untrusted',
    make: async ({ own }) => {
      const rogue = await createAuthority(domain('home.test'));
      const issued = await rogue.issueAccount({
        address: claimsOf(alarm, desk).issuer,
        kind: AccountKind.device,
      });
      const signer = signerFrom(issued);
      assert.notDeepEqual(signer.certificate.hash, own.certificate.hash);
      return { seal: sealText(await sealOf(claimsOf(alarm, desk), signer, 'text'), signer.chain) };
    },
  },
  {
    name: 'a certificate of another domain, from that domain’s own authority',
    code: 'certificate-wrong-domain',
    make: async ({ dev }) => {
      const signer = await originSigner(dev, desk);
      return { seal: sealText(await sealOf(claimsOf(alarm, desk), signer, 'text'), signer.chain) };
    },
  },
  {
    name: 'an unknown certificate that does not come along',
    code: 'certificate-needed',
    make: async ({ dev }) => {
      const signer = await newSigner(dev);
      return { seal: sealText(await sealOf(claimsOf(alarm, desk), signer, 'text'), []) };
    },
  },
  {
    name: 'the certificates of somebody else',
    code: 'certificate-untrusted',
    make: async ({ dev }) => {
      const [signer, other] = await Promise.all([newSigner(dev), originSigner(dev, ann)]);
      return { seal: sealText(await sealOf(claimsOf(alarm, desk), signer, 'text'), other.chain) };
    },
  },
  ...(
    [
      ['precedence', { precedence: 'flash' }],
      ['subject', { subject: 'Another' }],
      ['ask', { ask: 'fetched' }],
      ['id', { id: '01890000-0000-7000-8000-000000000000' }],
      ['thread', { thread: '01890000-0000-7000-8000-000000000000' }],
      ['class', { class: 'registered' }],
      ['attempts', { attempts: 'max=1' }],
    ] as const
  ).map(([name, properties]): Wrong => ({
    name: `a copy of ${name} that disagrees`,
    code: 'copy-disagrees',
    make: async ({ own }) => {
      const claims = claimsOf(alarm, desk, { subject: 'One' });
      return { seal: sealText(await sealOf(claims, own, 'text'), own.chain), properties };
    },
  })),
  {
    name: 'a content type that disagrees',
    code: 'copy-disagrees',
    make: async ({ own }) => ({
      seal: sealText(await sealOf(claimsOf(alarm, desk), own, 'text'), own.chain),
      more: { contentType: 'application/json' },
    }),
  },
];

test('seals that are wrong are refused with their code, and nothing of them is delivered', async (t) => {
  const stage = await scene(t);
  for (const { name, code, make } of wrong) {
    await t.test(name, async () => {
      const { seal, body = 'text', topic = toDesk, properties, more } = await make(stage);
      assertRefused(await stage.sender.publish(topic, body, { seal, ...properties }, more), code);
    });
  }
  await assertNothingBefore(stage, 'after all of them');
});

test('[DELIV-1] sealed bytes that are declared as text and are none', async (t) => {
  const { sender, own } = await scene(t);
  const body = Buffer.from([0xc3, 0x28]);
  const seal = sealText(await sealOf(claimsOf(alarm, desk), own, body), own.chain);
  const answer = await sender.publish(toDesk, body, { seal }, { payloadFormatIndicator: true });
  assertRefused(answer, 'body-format');
});

test('[DELIV-1] sealed bytes that only call themselves text are not sent on as text', async (t) => {
  const { sender, reader, own } = await scene(t);
  const body = Buffer.from([0xc3, 0x28]);
  const seal = sealText(await sealOf(claimsOf(alarm, desk), own, body), own.chain);
  const formats: unknown[] = [];
  reader.client.on('message', (_topic, _payload, packet) =>
    formats.push(packet.properties?.payloadFormatIndicator),
  );
  assert.equal((await sender.publish(toDesk, body, { seal })).reasonCode, 0);
  assert.deepEqual((await reader.next()).payload, body);
  assert.deepEqual(formats, [undefined]);
});

test('a seal whose id has been used for another message', async (t) => {
  const stage = await scene(t);
  const { sender, reader, own } = stage;
  const claims = claimsOf(alarm, desk);
  const first = sealText(await sealOf(claims, own, 'one'), own.chain);
  const other = sealText(await sealOf(claims, own, 'two'), own.chain);
  assert.equal((await sender.publish(toDesk, 'one', { seal: first })).reasonCode, 0);
  assertRefused(await sender.publish(toDesk, 'two', { seal: other }), 'id-conflict');
  assert.equal((await reader.next()).text, 'one');
  await assertNothingBefore(stage, 'next');
});

test('a certificate that home.test’s own authority issued for alice@evil.example', async (t) => {
  const openssl = requireTool(t, 'openssl', 'openssl');
  if (openssl === undefined) return;
  const stage = await scene(t);
  const folder = await temporaryDirectory();
  const file = (name: string): string => `${folder}/${name}`;
  const authority = `${stage.dev.ready.dataDir}/home.test/authority`;
  const arc = '2.25.29148114170674693890228010201899876792';
  await writeFile(
    file('profile'),
    [
      'keyUsage=critical,digitalSignature,nonRepudiation',
      `extendedKeyUsage=clientAuth,emailProtection,${arc}.2.4`,
      'subjectKeyIdentifier=hash',
      'authorityKeyIdentifier=keyid',
      'subjectAltName=email:alice@evil.example',
    ].join('\n'),
  );
  const { privateKey } = await generateKeys(stage.own.algorithm);
  await writeFile(file('key'), privateKey);
  const request = [
    'req',
    '-new',
    '-key',
    file('key'),
    '-subj',
    '/CN=alice@evil.example',
    '-out',
    file('csr'),
  ];
  assert.equal((await run(openssl, request)).code, 0);
  const sign = ['x509', '-req', '-in', file('csr'), '-CA', `${authority}.pem`, '-CAkey', `${authority}.key`];
  const issue = [...sign, '-days', '30', '-set_serial', `0x4${'1'.repeat(31)}`, '-extfile', file('profile')];
  const issued = await run(openssl, [...issue, '-outform', 'DER', '-out', file('der')]);
  assert.equal(issued.code, 0, issued.stderr);
  const certificate = new Uint8Array(await readFile(file('der')));
  const [, issuer] = stage.own.chain;
  assert.ok(issuer);
  const signer = signerFrom({ certificate, chain: [certificate, issuer], privateKey });
  const seal = sealText(await sealOf(claimsOf(alarm, desk), signer, 'text'), signer.chain);
  assertRefused(await stage.sender.publish(toDesk, 'text', { seal }), 'certificate-wrong-domain');
  await assertNothingBefore(stage, 'next');
});

test('a bit flipped anywhere in a seal', async (t) => {
  const stage = await scene(t);
  const { sender, own } = stage;
  const claims = claimsOf(alarm, desk, { subject: 'Kitchen', precedence: Precedence.priority });
  // The certificate is known from here on: what is left to go wrong is the seal itself.
  const known = sealText(await sealOf(claimsOf(alarm, desk), own, 'known'), own.chain);
  assert.equal((await sender.publish(toDesk, 'known', { seal: known })).reasonCode, 0);
  assert.equal((await stage.reader.next()).text, 'known');
  const { bytes } = await sealOf(claims, own, 'text');
  for (let at = 0; at < bytes.length; at += 7) {
    const flipped = Uint8Array.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
    const answer = await sender.publish(toDesk, 'text', { seal: toBase64Url(flipped) });
    assert.ok(answer.reasonCode >= 0x80, `byte ${at} of ${bytes.length}`);
    assert.ok(isErrorCode(String(answer.properties['error'])));
  }
  await assertNothingBefore(stage, 'next');
});

test('a stored origin seal keeps its certificate over a restart, however the certificate became known', async (t) => {
  const dev = await federation(t);
  const own = await originSigner(dev, alarm);
  // The sign-in makes the certificate known before any seal names it.
  const sender = await JsClient.connect(t, dev, alarm, await byCertificate(dev, alarm));
  const seal = sealText(await sealOf(claimsOf(alarm, ann), own, 'kept'), []);
  assert.equal((await sender.publish(`mail/to/${ann}`, 'kept', { seal })).reasonCode, 0);
  await dev.end();
  const again = await Dev.start(dev.ready.dataDir);
  t.after(() => again.end());
  const reader = await JsClient.connect(t, again, ann);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  assert.equal((await reader.next()).properties['trust'], 'origin; anchor=static');
});
