// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';

/** Debian installs servers where an ordinary account does not look. */
const systemFolders = ['/usr/sbin', '/sbin'];

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where a program of the system is, or undefined. */
export function findTool(binary: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...systemFolders];
  return folders.map((folder) => join(folder, binary)).find(isExecutable);
}

/**
 * The path of a system program that a test needs. Without it the test is marked as skipped, with the Debian package to
 * install, and undefined is returned: the test then returns. Under CI=true a missing program is a failure instead, so
 * that a machine that lacks one cannot look green.
 */
export function requireTool(
  t: Pick<TestContext, 'skip'>,
  binary: string,
  debianPackage: string,
): string | undefined {
  const path = findTool(binary);
  if (path !== undefined) return path;
  const reason = `needs ${binary}: apt-get install ${debianPackage}`;
  if (process.env['CI'] === 'true') throw new Error(reason);
  t.skip(reason);
  return undefined;
}
