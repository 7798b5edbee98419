// SPDX-License-Identifier: Apache-2.0
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, posix, sep } from 'node:path';
import { isRelative, readImports } from './imports.ts';
import { rootFolders } from './rules.ts';

export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  /** A test, or a helper under a package's test/ folder. */
  readonly isTest: boolean;
  readonly imports: readonly string[];
}

export interface Package {
  /** Folder name under packages/, or '' for the root. */
  readonly folder: string;
  /** The name in its manifest. */
  readonly name: string;
  readonly isPrivate: boolean;
  readonly dependencies: ReadonlySet<string>;
  readonly devDependencies: ReadonlySet<string>;
  readonly files: readonly SourceFile[];
}

export interface SourceTree {
  readonly root: string;
  readonly rootPackage: Package;
  readonly packages: readonly Package[];
}

interface Manifest {
  name?: string;
  private?: boolean;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

function readSource(root: string, path: string): SourceFile {
  const isTest = path.endsWith('.test.ts') || /^packages\/[^/]+\/test\//.test(path);
  try {
    return { path, isTest, imports: readImports(readFileSync(join(root, path), 'utf8')) };
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

function sourcesIn(root: string, folder: string): SourceFile[] {
  return globSync(`${folder}/**/*.{ts,tsx}`, { cwd: root, exclude: (name) => name === 'node_modules' })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => !/(?:^|\/)(?:node_modules|dist)\//.test(path))
    .toSorted()
    .map((path) => readSource(root, path));
}

function readPackage(root: string, folder: string): Package {
  const base = folder === '' ? root : join(root, 'packages', folder);
  const manifest = JSON.parse(readFileSync(join(base, 'package.json'), 'utf8')) as Manifest;
  const folders = folder === '' ? rootFolders : ['src', 'test'].map((name) => `packages/${folder}/${name}`);
  return {
    folder,
    name: manifest.name ?? '',
    isPrivate: manifest.private === true,
    dependencies: new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })),
    devDependencies: new Set(Object.keys(manifest.devDependencies ?? {})),
    files: folders.flatMap((name) => sourcesIn(root, name)),
  };
}

export function readTree(root: string): SourceTree {
  const folders = globSync('packages/*/package.json', { cwd: root }).map((path) => dirname(path).slice(9));
  return {
    root,
    rootPackage: readPackage(root, ''),
    packages: folders.toSorted().map((folder) => readPackage(root, folder)),
  };
}

/** The file that a relative specifier names, from the root. */
export function resolveRelative(from: SourceFile, specifier: string): string {
  return posix.join(posix.dirname(from.path), specifier);
}

/** The files of the tree that a file imports by relative path. */
export function relativeImports(file: SourceFile): string[] {
  return file.imports.filter(isRelative).map((specifier) => resolveRelative(file, specifier));
}

export function exists(tree: SourceTree, path: string): boolean {
  return existsSync(join(tree.root, path));
}
