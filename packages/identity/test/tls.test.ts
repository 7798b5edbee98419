// SPDX-License-Identifier: Apache-2.0
// TLS handshakes with certificates of this package, and the check of what the other side presented.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { connect, createServer } from 'node:tls';
import type { ConnectionOptions, TLSSocket, TlsOptions } from 'node:tls';
import { TrustStore, staticAnchors } from '../src/index.ts';
import { createAuthority, createTlsAuthority, encodePem, nodeCrypto } from '../src/node/index.ts';
import type { Credential } from '../src/node/index.ts';
import { encodePublicKey } from '../src/public-key.ts';
import {
  address,
  altName,
  authorityDraft,
  authorityKeys,
  day,
  domain,
  forge,
  leafDraft,
  leafKeys,
  mail,
  validity,
  withExtensions,
} from './forge.ts';

const home = domain('home.test');
const fire = domain('fire.test');

interface Handshake {
  readonly client: TLSSocket;
  readonly server: TLSSocket;
}

function identified({ chain, privateKey }: Omit<Credential, 'certificate'>): { cert: string; key: string } {
  return { cert: encodePem(chain), key: privateKey };
}

/** Both ends of a connection whose handshake is complete on both sides. */
async function handshake(
  t: TestContext,
  listener: TlsOptions,
  dialler: ConnectionOptions,
): Promise<Handshake> {
  const server = createServer({ requestCert: true, rejectUnauthorized: false, ...listener });
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...dialler });
  t.after(() => client.destroy());
  const [[accepted]] = (await Promise.all([
    once(server, 'secureConnection'),
    once(client, 'secureConnect'),
  ])) as [[TLSSocket], unknown];
  t.after(() => accepted.destroy());
  return { client, server: accepted };
}

test('two domains prove themselves to each other', async (t) => {
  const [homeAuthority, fireAuthority] = await Promise.all([createAuthority(home), createAuthority(fire)]);
  const [homeLink, fireLink] = await Promise.all([
    homeAuthority.issueDomainLink(),
    fireAuthority.issueDomainLink(),
  ]);
  const { client, server } = await handshake(t, identified(fireLink), {
    ...identified(homeLink),
    servername: 'fire.test',
  });
  const trust = new TrustStore({
    anchors: staticAnchors([homeAuthority.anchor, fireAuthority.anchor]),
    crypto: nodeCrypto,
    now: () => Math.floor(Date.now() / 1000),
  });
  const dialler = await trust.admit([server.getPeerCertificate().raw], home);
  assert.ok(dialler.ok);
  assert.equal(dialler.value.certificate.role, 'domain-link');
  assert.equal(dialler.value.certificate.domain, 'home.test');
  const listener = await trust.admit([client.getPeerCertificate().raw], fire);
  assert.ok(listener.ok);
  assert.equal(listener.value.certificate.domain, 'fire.test');
  const posing = await trust.admit([server.getPeerCertificate().raw], fire);
  assert.equal(posing.ok ? 'accepted' : posing.refusal.code, 'certificate-wrong-domain');
});

test('Node’s own check agrees about a link certificate, name included', async (t) => {
  const authority = await createAuthority(fire);
  const link = await authority.issueDomainLink();
  const ca = encodePem([authority.certificate]);
  const right = await handshake(
    t,
    { ...identified(link), ca },
    { ...identified(link), ca, servername: 'fire.test', rejectUnauthorized: true },
  );
  assert.ok(right.client.authorized);
  assert.ok(right.server.authorized);
  const wrong = await handshake(t, identified(link), { ca, servername: 'home.test' });
  assert.equal(wrong.client.authorized, false);
});

test('an account signs in with its certificate to a listener of the TLS authority', async (t) => {
  const [authority, tlsAuthority] = await Promise.all([createAuthority(home), createTlsAuthority()]);
  const [alarm, listener] = await Promise.all([
    authority.issueAccount({ address: address('kitchen-alarm@home.test'), kind: 'device' }),
    tlsAuthority.issueServerCertificate(),
  ]);
  const { client, server } = await handshake(
    t,
    { ...identified(listener), ca: encodePem([authority.certificate]) },
    {
      ...identified(alarm),
      ca: encodePem([tlsAuthority.certificate]),
      servername: 'localhost',
      rejectUnauthorized: true,
    },
  );
  assert.ok(client.authorized);
  assert.ok(server.authorized);
  const trust = new TrustStore({
    anchors: staticAnchors([authority.anchor]),
    crypto: nodeCrypto,
    now: () => Math.floor(Date.now() / 1000),
  });
  const admitted = await trust.admit([server.getPeerCertificate().raw], home);
  assert.ok(admitted.ok);
  const { address: account, kind } = admitted.value.certificate;
  assert.deepEqual([account, kind], ['kitchen-alarm@home.test', 'device']);
});

test('[ID-14] a certificate for another domain is refused by Node’s check and by ours', async (t) => {
  const present = Math.floor(Date.now() / 1000);
  const times = validity(present - day, present + day);
  const authority = forge({ ...authorityDraft, validity: times });
  const rogue = forge({
    ...withExtensions(leafDraft, altName(mail('alice@evil.example'))),
    validity: times,
  });
  const listener = await (await createTlsAuthority()).issueServerCertificate();
  const { server } = await handshake(
    t,
    { ...identified(listener), ca: encodePem([authority]) },
    identified({ chain: [rogue], privateKey: leafKeys.privateKey }),
  );
  assert.equal(server.authorized, false);
  const exampleOrg = domain('example.org');
  const trust = new TrustStore({
    anchors: staticAnchors([
      {
        domain: exampleOrg,
        keyHashes: [nodeCrypto.sha256(encodePublicKey(authorityKeys.publicKey))],
        authorities: [authority],
        proof: 'static',
      },
    ]),
    crypto: nodeCrypto,
    now: () => present,
  });
  const admitted = await trust.admit([server.getPeerCertificate().raw], exampleOrg);
  assert.equal(admitted.ok ? 'accepted' : admitted.refusal.code, 'certificate-wrong-domain');
});
