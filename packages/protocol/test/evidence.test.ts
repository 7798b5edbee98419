// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  AccountKind,
  Algorithm,
  CertificateRole,
  Event,
  Precedence,
  checkEvidenceSigner,
  decodeEvidence,
  encodeCbor,
  encodeSign1,
  events,
  makeEvidence,
  messageIdFromBytes,
  orderedEvents,
  signerOf,
  toHex,
  verifyEvidence,
  withChain,
} from '../src/index.ts';
import type { Signer, Statement } from '../src/index.ts';
import {
  accountSigner,
  address,
  alarmAddress,
  codeOf,
  crypto,
  deskAddress,
  domainSigner,
  fire,
  home,
  must,
  now,
  signerFor,
} from './support.ts';

const context = { senderDomain: home };
const signers = {
  home: domainSigner(home),
  fire: domainSigner(fire, Algorithm.Esp256),
  desk: accountSigner(deskAddress, 'role'),
  alarm: accountSigner(alarmAddress, 'device'),
  other: domainSigner(address('a@other.test').slice(2) as typeof home),
  link: signerFor({ domain: fire, role: CertificateRole.domainLink }),
};
const attestation = { kind: 'role', method: 'mtls', credential: new Uint8Array(32) } as const;

function statementOf(changes: Partial<Statement> = {}): Statement {
  return {
    events: [Event.relayed, Event.delivered],
    digest: new Uint8Array(32).fill(2),
    id: messageIdFromBytes(new Uint8Array(16).fill(1)),
    recipient: deskAddress,
    observedAt: now,
    nonce: new Uint8Array(16).fill(3),
    ...changes,
  };
}

async function codeBy(signer: Signer, changes: Partial<Statement>): Promise<string> {
  const made = await makeEvidence({ statement: statementOf(changes), signer });
  const evidence = must(decodeEvidence(made.bytes, crypto));
  return codeOf(await verifyEvidence(evidence, signer.certificate, context, crypto));
}

const anyStatement = fc
  .record(
    {
      events: fc.subarray([...events], { minLength: 1 }).map(orderedEvents),
      digest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      id: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(messageIdFromBytes),
      recipient: fc.constantFrom(deskAddress, alarmAddress),
      observedAt: fc.integer({ min: 1, max: 2 ** 40 }),
      nonce: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      reason: fc.constantFrom('attempts', 'mailbox-unknown'),
      by: fc.constant(address('eve@fire.test')),
      lane: fc.constantFrom(...Object.values(Precedence)),
      attestation: fc.record(
        {
          kind: fc.constantFrom(...Object.values(AccountKind)),
          method: fc.constantFrom('password' as const, 'mtls' as const),
          credential: fc.uint8Array({ minLength: 32, maxLength: 32 }),
        },
        { noNullPrototype: true },
      ),
    },
    { requiredKeys: ['events', 'digest', 'id', 'recipient', 'observedAt', 'nonce'], noNullPrototype: true },
  )
  .map((statement) => statement as Statement);

test('[EVID-1] [EVID-2] a statement comes back as it was, with or without a chain', async () => {
  await fc.assert(
    fc.asyncProperty(anyStatement, async (statement) => {
      const made = await makeEvidence({ statement, signer: signers.home });
      assert.deepEqual(must(decodeEvidence(made.bytes, crypto)).statement, statement);
      const carried = must(decodeEvidence(withChain(made.bytes, made.chain), crypto));
      assert.equal(toHex(carried.bytes), toHex(made.bytes));
      assert.deepEqual(carried.chain.map(toHex), made.chain.map(toHex));
    }),
    { numRuns: 100 },
  );
});

test('[EVID-2] [EVID-3] exactly the known fields', async () => {
  const fields = new Map<unknown, unknown>([
    [1, [1]],
    [2, new Uint8Array(32)],
    [3, new Uint8Array(16)],
    [4, deskAddress],
    [5, now],
    [8, new Uint8Array(16)],
  ]);
  const codeWith = (key: unknown, value: unknown) => {
    const changed = new Map(fields);
    if (value === undefined) changed.delete(key);
    else changed.set(key, value);
    const header = encodeCbor(
      new Map<number, unknown>([
        [1, -19],
        [16, 65002],
        [34, [-16, new Uint8Array(32)]],
      ]),
    );
    const payload = encodeCbor(changed);
    return codeOf(decodeEvidence(encodeSign1(header, payload, new Uint8Array(64)), crypto));
  };
  assert.equal(codeWith(6, 'attempts'), 'ok');
  for (const key of fields.keys()) assert.equal(codeWith(key, undefined), 'evidence-invalid');
  for (const [key, value] of [
    [1, []],
    [1, [2, 1]],
    [1, [0]],
    [5, 0],
    [6, 'Two words'],
    [7, 'x'],
    [9, 1],
    [10, 1],
    [11, 1],
    ['a', 1],
  ] as const) {
    assert.equal(codeWith(key, value), 'evidence-invalid', `${key}`);
  }
});

test('[EVID-4] [EVID-5] who may state which event: the whole table', async () => {
  const expected = {
    'sender-domain': ['home'],
    'recipient-domain': ['fire'],
    recipient: ['desk'],
    custodian: ['home', 'fire'],
  } as const;
  for (const event of events) {
    const allowed: readonly string[] = expected[signerOf(event)];
    for (const [name, signer] of Object.entries(signers)) {
      const code = await codeBy(signer, { events: [event] });
      assert.equal(code, allowed.includes(name) ? 'ok' : 'evidence-wrong-signer', `${name} ${event}`);
    }
  }
});

test('[EVID-6] [EVID-7] a disposition: the own key alone, or the own domain with an attestation', async () => {
  const acknowledged = { events: [Event.acknowledged] };
  assert.equal(await codeBy(signers.fire, { ...acknowledged, attestation }), 'ok');
  assert.equal(await codeBy(signers.home, { ...acknowledged, attestation }), 'evidence-wrong-signer');
  assert.equal(await codeBy(signers.desk, { ...acknowledged, attestation }), 'evidence-wrong-signer');
  assert.equal(
    await codeBy(signers.desk, { events: [Event.delivered, Event.acknowledged] }),
    'evidence-wrong-signer',
  );
  assert.equal(
    await codeBy(signers.fire, { events: [Event.fetched, Event.acknowledged], attestation }),
    'ok',
  );
});

test('[EVID-8] the certificate was valid when the event was observed, to the minute', async () => {
  const evidence = await makeEvidence({ statement: statementOf(), signer: signers.fire });
  const check = (changes: object) =>
    codeOf(checkEvidenceSigner(evidence, { ...signers.fire.certificate, ...changes }, context));
  assert.equal(check({ notBefore: now + 60 }), 'ok');
  assert.equal(check({ notBefore: now + 61 }), 'certificate-not-valid-now');
  assert.equal(check({ notAfter: now - 1 }), 'certificate-not-valid-now');
  assert.equal(check({ hash: new Uint8Array(32) }), 'certificate-untrusted');
});

test('[EVID-1] no changed byte verifies', async () => {
  const evidence = await makeEvidence({ statement: statementOf(), signer: signers.fire });
  await fc.assert(
    fc.asyncProperty(
      fc.nat(evidence.bytes.length - 1),
      fc.integer({ min: 1, max: 255 }),
      async (index, flip) => {
        const bytes = Uint8Array.from(evidence.bytes);
        bytes[index] = (bytes[index] ?? 0) ^ flip;
        const opened = decodeEvidence(bytes, crypto);
        if (opened.ok)
          assert.ok(!(await verifyEvidence(opened.value, signers.fire.certificate, context, crypto)).ok);
      },
    ),
    { numRuns: 300 },
  );
});
