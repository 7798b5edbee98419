// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { sampleSign, type Store } from '@sealpost/testing';
import type { Inspecting, Pruning } from '../src/custody/custody.ts';
import { openCustody, type CustodyOptions } from '../src/custody/open.ts';

const openIn = new Map<string, Store[]>();

/** A directory of the test's own; what was opened in it is closed before it is removed. */
export function scratchDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'sealpost-custody-'));
  t.after(async () => {
    await closeAll(directory);
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

export async function closeAll(directory: string): Promise<void> {
  await Promise.all((openIn.get(directory) ?? []).map((store) => store.close()));
}

function fail(error: Error): void {
  throw error;
}

/** Custody that must not fail as a whole, unless the test says what to do then. */
export async function openAt(
  directory: string,
  options: Partial<CustodyOptions> = {},
): Promise<Store & Pruning & Inspecting> {
  const store = await openCustody({ directory, sign: sampleSign, report: fail, ...options });
  openIn.set(directory, [...(openIn.get(directory) ?? []), store]);
  return store;
}
