// SPDX-License-Identifier: Apache-2.0
import type { DatabaseSync } from 'node:sqlite';
import { damaged } from './explain.ts';

const problemsMax = 10;

/** Pages, cells and constraints, without comparing every index with its table. Reads the whole file. */
export function quickCheck(db: DatabaseSync, path: string): void {
  const problems = problemsOf(db, 'quick_check');
  if (problems.length > 0) throw damaged(path, problems.join('; '));
}

/** Everything, each index entry included: some three times the work. Empty when all is well. */
export function integrityProblems(db: DatabaseSync): string[] {
  return problemsOf(db, 'integrity_check');
}

function problemsOf(db: DatabaseSync, check: 'quick_check' | 'integrity_check'): string[] {
  const rows = db.prepare(`PRAGMA ${check}(${problemsMax})`).all();
  return rows.map((row) => String(row[check])).filter((line) => line !== 'ok');
}
