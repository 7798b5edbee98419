// SPDX-License-Identifier: Apache-2.0
// Somebody else's opinion: OpenSSL reads what we issue, and never refuses a chain that we accept.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Algorithm } from '@sealpost/protocol';
import type { ErrorCode } from '@sealpost/protocol';
import { checkChain, parseCertificate } from '../src/index.ts';
import type { Anchor } from '../src/index.ts';
import { createAuthority, createTlsAuthority, nodeCrypto, readCertificates } from '../src/node/index.ts';
import { Oid } from '../src/oids.ts';
import { encodePublicKey } from '../src/public-key.ts';
import {
  address,
  altName,
  authorityDraft,
  authorityKeys,
  constraints,
  day,
  domain,
  forge,
  host,
  integer,
  isAuthority,
  issuerKeyId,
  keyUsage,
  leafDraft,
  mail,
  name,
  now,
  otherKeys,
  permitted,
  purposes,
  utf8Mailbox,
  validity,
  withExtensions,
} from './forge.ts';
import { openSsl, openSslVerdict } from './openssl.ts';
import type { OpenSsl } from './openssl.ts';

const exampleOrg = domain('example.org');

test('OpenSSL reads and accepts what an authority issues', async (t) => {
  const tool = await openSsl(t);
  if (tool === undefined) return;
  const authority = await createAuthority(exampleOrg);
  const anchorFile = await tool.file(authority.certificate);
  const ann = { address: address('ann@example.org'), kind: 'person' } as const;
  const ed25519 = await authority.issueAccount(ann);
  const p256 = await authority.issueAccount({ ...ann, algorithm: Algorithm.Esp256 });
  for (const { certificate } of [ed25519, p256]) {
    const leafFile = await tool.file(certificate);
    for (const purpose of ['sslclient', 'smimesign']) {
      const verify = ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', anchorFile];
      const right = await tool.run(...verify, '-verify_email', 'ann@example.org', leafFile);
      assert.ok(right.ok, right.output);
      const wrong = await tool.run(...verify, '-verify_email', 'bob@example.org', leafFile);
      assert.equal(wrong.ok, false);
    }
    const server = await tool.run('verify', '-purpose', 'sslserver', '-CAfile', anchorFile, leafFile);
    assert.equal(server.ok, false, 'an account is no server');
  }
  const seal = await tool.file((await authority.issueDomainSeal()).certificate);
  for (const purpose of ['sslclient', 'sslserver']) {
    const verified = await tool.run('verify', '-purpose', purpose, '-CAfile', anchorFile, seal);
    assert.equal(verified.ok, false, 'the seal key is not for TLS');
  }
  const link = await tool.file((await authority.issueDomainLink()).certificate);
  for (const purpose of ['sslclient', 'sslserver']) {
    const verify = ['verify', '-x509_strict', '-purpose', purpose, '-verify_hostname', 'example.org'];
    const verified = await tool.run(...verify, '-CAfile', anchorFile, link);
    assert.ok(verified.ok, verified.output);
  }
});

test('OpenSSL accepts names that do not fit into a subject', async (t) => {
  const tool = await openSsl(t);
  if (tool === undefined) return;
  const long = domain(`${'a'.repeat(60)}.${'b'.repeat(60)}.test`);
  const authority = await createAuthority(long);
  const anchorFile = await tool.file(authority.certificate);
  const account = address(`${'x'.repeat(31)}.${'y'.repeat(32)}@${long}`);
  const issued = [
    await authority.issueAccount({ address: account, kind: 'person' }),
    await authority.issueDomainLink(),
  ];
  for (const { certificate } of issued) {
    const verify = ['verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', anchorFile];
    const verified = await tool.run(...verify, await tool.file(certificate));
    assert.ok(verified.ok, verified.output);
  }
});

test('[ID-5] [ID-6] [ID-8] what OpenSSL prints', async (t) => {
  const tool = await openSsl(t);
  if (tool === undefined) return;
  const authority = await createAuthority(exampleOrg);
  const print = async (certificate: Uint8Array): Promise<string> =>
    (await tool.run('x509', '-noout', '-text', '-in', await tool.file(certificate))).output;
  const text = await print(authority.certificate);
  for (const expected of [
    /Version: 3/,
    /Signature Algorithm: ecdsa-with-SHA256/,
    /Subject: CN = example\.org/,
    /Basic Constraints: critical\s+CA:TRUE, pathlen:0/,
    /Key Usage: critical\s+Certificate Sign, CRL Sign/,
    /Name Constraints: critical\s+Permitted:\s+email:example\.org\s+DNS:example\.org/,
    /Subject Key Identifier/,
  ])
    assert.match(text, expected);
  const device = await authority.issueAccount({ address: address('alarm7@example.org'), kind: 'device' });
  const leafText = await print(device.certificate);
  for (const expected of [
    /ED25519 Public-Key/,
    /Key Usage: critical\s+Digital Signature, Non Repudiation/,
    /TLS Web Client Authentication, E-mail Protection, 2\.25\.29148114170674693890228010201899876792\.2\.4\n/,
    /Subject Alternative Name:\s+email:alarm7@example\.org\n/,
    /Authority Key Identifier/,
  ])
    assert.match(leafText, expected);
  const person = await authority.issueAccount({ address: address('jürgen@example.org'), kind: 'person' });
  assert.match(await print(person.certificate), /SmtpUTF8Mailbox::jürgen@example\.org/);
});

test('[ID-22] OpenSSL accepts the TLS authority’s certificates for every name asked for', async (t) => {
  const tool = await openSsl(t);
  if (tool === undefined) return;
  const authority = await createTlsAuthority();
  const server = await authority.issueServerCertificate(['mail.example.org', '192.0.2.7', '2001:db8::7']);
  const anchorFile = await tool.file(authority.certificate);
  const leafFile = await tool.file(server.certificate);
  const verify = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', anchorFile];
  for (const hostname of ['localhost', 'mail.example.org']) {
    const verified = await tool.run(...verify, '-verify_hostname', hostname, leafFile);
    assert.ok(verified.ok, verified.output);
  }
  for (const ip of ['127.0.0.1', '::1', '192.0.2.7', '2001:db8::7']) {
    const verified = await tool.run(...verify, '-verify_ip', ip, leafFile);
    assert.ok(verified.ok, verified.output);
  }
  const text = (await tool.run('x509', '-noout', '-text', '-in', anchorFile)).output;
  assert.doesNotMatch(text, /Name Constraints/);
  assert.equal(parseCertificate(authority.certificate, nodeCrypto).ok, false);
});

interface Case {
  readonly name: string;
  readonly leaf?: Uint8Array;
  readonly authority?: Uint8Array;
  readonly now?: number;
  readonly ours: ErrorCode | 'accepted';
  /** OpenSSL's verdict on the chain as that of a TLS client. */
  readonly openSsl: boolean;
}

const leaf = forge(leafDraft);
const authority = forge(authorityDraft);
const changed = (...extensions: readonly Uint8Array[]): Uint8Array =>
  forge(withExtensions(leafDraft, ...extensions));
const under = (...extensions: readonly Uint8Array[]): Uint8Array =>
  forge(withExtensions(authorityDraft, ...extensions));
const unconstrained = forge({ ...authorityDraft, extensions: authorityDraft.extensions.slice(0, 3) });
const flip = (der: Uint8Array, from: number): Uint8Array =>
  der.map((octet, index) => (index === der.length + from ? octet ^ 1 : octet));
const impostor = forge({ ...authorityDraft, keyInfo: encodePublicKey(otherKeys.publicKey) }, otherKeys);

const cases: readonly Case[] = [
  { name: 'as it should be', ours: 'accepted', openSsl: true },
  // RFC 5280 §4.1.2.5 includes the end itself; OpenSSL compares so that it does not.
  { name: 'a second before the end', now: now + 90 * day - 1, ours: 'accepted', openSsl: true },
  {
    name: 'not ASCII',
    leaf: changed(altName(utf8Mailbox('jürgen@example.org'))),
    ours: 'accepted',
    openSsl: true,
  },
  { name: 'expired', now: now + 91 * day, ours: 'certificate-not-valid-now', openSsl: false },
  { name: 'not yet valid', now: now - 2 * day, ours: 'certificate-not-valid-now', openSsl: false },
  {
    name: 'authority expired',
    authority: forge({ ...authorityDraft, validity: validity(now - day, now - 1) }),
    ours: 'certificate-not-valid-now',
    openSsl: false,
  },
  {
    name: 'another domain',
    leaf: changed(altName(mail('alice@evil.example'))),
    ours: 'certificate-wrong-domain',
    openSsl: false,
  },
  {
    name: 'another domain, unconstrained authority',
    leaf: changed(altName(mail('alice@evil.example'))),
    authority: unconstrained,
    ours: 'certificate-invalid',
    openSsl: true,
  },
  {
    name: 'another domain, authority constrained to it',
    leaf: changed(altName(mail('alice@evil.example'))),
    authority: under(permitted(mail('evil.example'), host('evil.example'))),
    ours: 'certificate-wrong-domain',
    openSsl: true,
  },
  {
    name: 'another domain, not ASCII',
    leaf: changed(altName(utf8Mailbox('jürgen@evil.example'))),
    ours: 'certificate-wrong-domain',
    openSsl: false,
  },
  {
    name: 'a subdomain',
    leaf: changed(altName(mail('alice@a.example.org'))),
    ours: 'certificate-wrong-domain',
    openSsl: false,
  },
  {
    name: 'purpose of a server',
    leaf: changed(purposes(Oid.serverAuth)),
    ours: 'certificate-invalid',
    openSsl: false,
  },
  {
    name: 'no kind',
    leaf: changed(purposes(Oid.clientAuth, Oid.emailProtection)),
    ours: 'certificate-invalid',
    openSsl: true,
  },
  {
    name: 'key usage without signatures',
    leaf: changed(keyUsage(5, 0x20)),
    ours: 'certificate-invalid',
    openSsl: false,
  },
  {
    name: 'leaf that is an authority',
    leaf: changed(constraints(isAuthority), keyUsage(2, 0x84)),
    ours: 'certificate-invalid',
    openSsl: true,
  },
  {
    name: 'authority with a longer path',
    authority: under(constraints(isAuthority, integer(3))),
    ours: 'certificate-invalid',
    openSsl: true,
  },
  {
    name: 'issuer that is no authority',
    authority: under(constraints()),
    ours: 'certificate-invalid',
    openSsl: false,
  },
  {
    name: 'issuer that may not sign certificates',
    authority: under(keyUsage(1, 0x02)),
    ours: 'certificate-invalid',
    openSsl: false,
  },
  {
    name: 'another authority of the same name',
    authority: impostor,
    ours: 'certificate-untrusted',
    openSsl: false,
  },
  {
    name: 'signed by another key',
    leaf: forge(leafDraft, otherKeys),
    ours: 'certificate-untrusted',
    openSsl: false,
  },
  {
    name: 'another issuer',
    leaf: forge({ ...leafDraft, issuer: name('example.net') }),
    ours: 'certificate-untrusted',
    openSsl: false,
  },
  {
    name: 'another key identifier',
    leaf: changed(issuerKeyId(9)),
    ours: 'certificate-untrusted',
    openSsl: false,
  },
  {
    name: 'unknown critical extension',
    leaf: changed(withCritical()),
    ours: 'certificate-invalid',
    openSsl: false,
  },
  { name: 'signature turned over', leaf: flip(leaf, -1), ours: 'certificate-untrusted', openSsl: false },
  { name: 'truncated', leaf: leaf.subarray(0, -1), ours: 'certificate-invalid', openSsl: false },
  { name: 'empty', leaf: new Uint8Array(0), ours: 'certificate-invalid', openSsl: false },
  { name: 'the authority as a leaf', leaf: authority, ours: 'certificate-wrong-role', openSsl: false },
];

function withCritical(): Uint8Array {
  // 1.2.3.4, critical, NULL
  return Uint8Array.from([0x30, 0x0c, 6, 3, 0x2a, 3, 4, 1, 1, 0xff, 4, 2, 5, 0]);
}

const pinned = [authorityKeys, otherKeys].map(({ publicKey }) =>
  nodeCrypto.sha256(encodePublicKey(publicKey)),
);
const anchor: Anchor = { domain: exampleOrg, keyHashes: pinned, authorities: [], proof: 'static' };

async function verdict(leafDer: Uint8Array, authorityDer: Uint8Array, at: number): Promise<string> {
  const parsed = parseCertificate(leafDer, nodeCrypto);
  const issuer = parseCertificate(authorityDer, nodeCrypto);
  if (!parsed.ok) return parsed.refusal.code;
  if (!issuer.ok) return issuer.refusal.code;
  const chain = { leaf: parsed.value, authority: issuer.value, anchor, now: at };
  const checked = await checkChain(chain, nodeCrypto);
  return checked.ok ? 'accepted' : checked.refusal.code;
}

test('[ID-14] [ID-15] [ID-16] [ID-17] our verdict and OpenSSL’s', async (t) => {
  const tool = await openSsl(t);
  if (tool === undefined) return;
  for (const { name, ours, openSsl, ...given } of cases) {
    const at = given.now ?? now;
    const chain = [given.leaf ?? leaf, given.authority ?? authority] as const;
    assert.equal(await verdict(...chain, at), ours, name);
    assert.equal((await openSslVerdict(tool, ...chain, at)).ok, openSsl, name);
    // Where the two differ, we are the stricter one.
    assert.ok(openSsl || ours !== 'accepted', name);
  }
});

test('a bit turned over in any region is refused by both', async (t) => {
  const tool = await openSsl(t);
  if (tool === undefined) return;
  for (let octet = 0; octet < leaf.length; octet += 11) {
    const broken = leaf.map((value, index) => (index === octet ? value ^ 0x04 : value));
    assert.notEqual(await verdict(broken, authority, now), 'accepted', `octet ${octet}`);
    assert.equal((await openSslVerdict(tool, broken, authority, now)).ok, false, `octet ${octet}`);
  }
});

test('a certificate that OpenSSL issued to the profile is accepted', async (t) => {
  const tool = await openSsl(t);
  if (tool === undefined) return;
  const issued = await issuedByOpenSsl(tool);
  const parsed = parseCertificate(issued.leaf, nodeCrypto);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.refusal.cause);
  const issuer = parseCertificate(issued.authority, nodeCrypto);
  assert.ok(issuer.ok, issuer.ok ? '' : issuer.refusal.cause);
  assert.equal(parsed.value.kind, 'role');
  const checked = await checkChain(
    {
      leaf: parsed.value,
      authority: issuer.value,
      anchor: { ...anchor, keyHashes: [issuer.value.keyHash] },
      now: Math.floor(Date.now() / 1000),
    },
    nodeCrypto,
  );
  assert.ok(checked.ok, checked.ok ? '' : checked.refusal.cause);
});

/** Authority and leaf made with nothing but the command line tool, from a configuration that says what the profile says. */
async function issuedByOpenSsl(
  tool: OpenSsl,
): Promise<{ readonly leaf: Uint8Array; readonly authority: Uint8Array }> {
  const place = await tool.file();
  const [config, key, certificate, leafKey, request, leafFile] = [
    'cnf',
    'key',
    'crt',
    'leaf.key',
    'csr',
    'leaf.crt',
  ].map((suffix) => `${place}.${suffix}`) as [string, string, string, string, string, string];
  await writeFile(
    config,
    `[req]
distinguished_name=dn
prompt=no
[dn]
CN=example.org
[authority]
basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
nameConstraints=critical,permitted;email:example.org,permitted;DNS:example.org
[leaf]
basicConstraints=CA:FALSE
keyUsage=critical,digitalSignature
authorityKeyIdentifier=keyid
extendedKeyUsage=clientAuth,emailProtection,${Oid.role}
subjectAltName=email:desk@example.org
`,
  );
  const steps = [
    ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', key],
    ['genpkey', '-algorithm', 'ED25519', '-out', leafKey],
    [
      'req',
      '-new',
      '-x509',
      '-config',
      config,
      '-extensions',
      'authority',
      '-key',
      key,
      '-days',
      '30',
      '-sha256',
      '-out',
      certificate,
    ],
    ['req', '-new', '-config', config, '-key', leafKey, '-out', request],
    [
      'x509',
      '-req',
      '-in',
      request,
      '-CA',
      certificate,
      '-CAkey',
      key,
      '-CAcreateserial',
      '-days',
      '20',
      '-sha256',
      '-extfile',
      config,
      '-extensions',
      'leaf',
      '-out',
      leafFile,
    ],
  ];
  for (const step of steps) {
    const done = await tool.run(...step);
    assert.ok(done.ok, done.output);
  }
  const [leafDer] = await readCertificates(leafFile);
  const [authorityDer] = await readCertificates(certificate);
  return { leaf: leafDer!, authority: authorityDer! };
}
