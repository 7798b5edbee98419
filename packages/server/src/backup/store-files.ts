// SPDX-License-Identifier: Apache-2.0
// Looking at the databases of a folder without changing them.
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseCertificate } from '@sealpost/identity';
import { nodeCrypto } from '@sealpost/identity/node';
import { decodeSeal, equalBytes, verifySeal } from '@sealpost/protocol';
import { accountLayout } from '../accounts/schema.ts';
import { chainIn } from '../certificates/archive.ts';
import { custodyLayout } from '../custody/schema.ts';
import { explained } from '../sqlite/explain.ts';
import { integrityProblems } from '../sqlite/integrity.ts';
import type { Layout } from '../sqlite/layout.ts';
import { identify } from '../sqlite/migrate.ts';

/** Every store of a domain, by the name of its file. */
const layouts: Readonly<Record<string, Layout>> = {
  'custody.sqlite': custodyLayout,
  'accounts.sqlite': accountLayout,
};
const problemsMax = 20;

/** Everything is fine with what has no problems. */
export interface StoreReport {
  readonly path: string;
  /** Seals that were opened under their stored certificate. */
  readonly seals: number;
  /** One sentence each, the first few. */
  readonly problems: readonly string[];
}

/** Reads all of it: every page, every index entry, and with `withSeals` every sealed message. */
export async function checkStore(path: string, withSeals: boolean): Promise<StoreReport> {
  const layout = layouts[basename(path)];
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
    if (layout !== undefined) identify(db, path, layout);
    const problems = integrityProblems(db).map((problem) => `${path}: ${problem}.`);
    if (problems.length > 0 || !withSeals || layout !== custodyLayout) return { path, seals: 0, problems };
    return { path, ...(await checkSeals(db, join(dirname(path), 'certificates'))) };
  } catch (error) {
    const said = layout === undefined ? error : explained(error, path, layout);
    return { path, seals: 0, problems: [said instanceof Error ? said.message : String(said)] };
  } finally {
    db?.close();
  }
}

interface SealedRow {
  readonly issuer: string;
  readonly id: Uint8Array;
  readonly digest: Uint8Array;
  readonly seal: Uint8Array;
  readonly body: Uint8Array | null;
}

/** Whether each message can still be shown with its proof. Validity in time and anchors are the reader's to judge. */
async function checkSeals(db: DatabaseSync, certificates: string): Promise<Omit<StoreReport, 'path'>> {
  const rows = db
    .prepare('SELECT issuer, id, digest, seal, body FROM message WHERE seal IS NOT NULL')
    .iterate();
  const problems: string[] = [];
  let seals = 0;
  for (const row of rows as Iterable<unknown> as Iterable<SealedRow>) {
    const problem = await sealProblem(row, certificates);
    if (problem === undefined) seals += 1;
    else if (problems.length < problemsMax)
      problems.push(`The message ${Buffer.from(row.id).toString('hex')} of ${row.issuer} ${problem}.`);
  }
  return { seals, problems };
}

async function sealProblem(row: SealedRow, certificates: string): Promise<string | undefined> {
  const seal = decodeSeal(row.seal, nodeCrypto);
  if (!seal.ok) return `has a seal that cannot be read (${seal.refusal.code})`;
  if (!equalBytes(seal.value.digest, row.digest)) return 'has the seal of another message';
  if (row.body !== null && !equalBytes(nodeCrypto.sha256(row.body), seal.value.bodyHash))
    return 'has a body that its seal does not cover';
  const [leaf] = await chainIn(certificates, seal.value.certificateHash);
  if (leaf === undefined) return 'names a certificate that is not there';
  const certificate = parseCertificate(leaf, nodeCrypto);
  if (!certificate.ok) return `names a certificate that cannot be read (${certificate.refusal.code})`;
  const verified = await verifySeal(seal.value, certificate.value, nodeCrypto);
  return verified.ok ? undefined : `has a seal that does not verify (${verified.refusal.code})`;
}
