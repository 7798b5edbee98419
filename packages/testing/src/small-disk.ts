// SPDX-License-Identifier: Apache-2.0
// Real file systems that are small, and can be made full or read-only. Needs root and the right to mount; without them a
// test is skipped, except for root under CI=true.
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  rmdirSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { requireTool } from './tools.ts';

export interface SmallDisk {
  /** For the store. */
  readonly directory: string;
  /** Somebody else takes all the room that is left. */
  fill(): void;
  /** And gives it back. */
  empty(): void;
  /** Options as mount(8) takes them; throws when the kernel refuses. */
  remount(options: string): void;
}

/** Closes what is open there, before the disk goes. */
type Release = (directory: string) => Promise<unknown>;

/** A tmpfs of that size, gone after the test. */
export function smallTmpfs(t: TestContext, mebibytes: number, release: Release): SmallDisk | undefined {
  return mounted(t, release, (point) => ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=700`, 'tmpfs', point]);
}

/** An ext4 file system in a file, which goes read-only at its first error, as on many servers. */
export function smallExt4(
  t: TestContext,
  mebibytes: number,
  release: Release,
): (SmallDisk & { failOnce(): void }) | undefined {
  const make = requireTool(t, 'mkfs.ext4', 'e2fsprogs');
  if (make === undefined) return undefined;
  const image = join(mkdtempSync(join(tmpdir(), 'sealpost-image-')), 'disk');
  closeSync(openSync(image, 'w'));
  truncateSync(image, mebibytes * 1024 * 1024);
  command(make, '-q', image);
  let at = '';
  const disk = mounted(t, release, (point) => {
    at = point;
    return ['-o', 'loop,errors=remount-ro', image, point];
  });
  t.after(() => rmSync(join(image, '..'), { recursive: true, force: true }));
  if (disk === undefined) return undefined;
  return {
    ...disk,
    failOnce() {
      const device = command('findmnt', '-n', '-o', 'SOURCE', at).trim().replace('/dev/', '');
      writeFileSync(`/sys/fs/ext4/${device}/trigger_fs_error`, 'test');
    },
  };
}

function mounted(
  t: TestContext,
  release: Release,
  args: (point: string) => readonly string[],
): SmallDisk | undefined {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) return skipped(t, 'needs root, to mount a small file system');
  const mount = requireTool(t, 'mount', 'mount');
  if (mount === undefined) return undefined;
  const point = mkdtempSync(join(tmpdir(), 'sealpost-disk-'));
  const { status, stderr } = spawnSync(mount, args(point), { encoding: 'utf8' });
  if (status !== 0) {
    rmdirSync(point);
    if (process.env['CI'] === 'true') throw new Error(`mount: ${stderr}`);
    return skipped(t, `may not mount: ${stderr.trim()}`);
  }
  const directory = join(point, 'store');
  t.after(async () => {
    await release(directory);
    command('umount', point);
    rmdirSync(point);
  });
  mkdirSync(directory, { mode: 0o700 });
  const ballast = join(point, 'ballast');
  return {
    directory,
    fill: () => fill(ballast),
    empty: () => rmSync(ballast),
    remount: (options) => void command(mount, '-o', `remount,${options}`, point),
  };
}

function skipped(t: TestContext, reason: string): undefined {
  t.skip(reason);
  return undefined;
}

function command(program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr ?? String(error)}`);
  return stdout;
}

function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (let size = 1024 * 1024; size >= 1; size >>= 1) writeUntilFull(file, Buffer.alloc(size, 0xbb));
  } finally {
    closeSync(file);
  }
}

function writeUntilFull(file: number, block: Uint8Array): void {
  try {
    for (;;) if (writeSync(file, block) < block.length) return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
