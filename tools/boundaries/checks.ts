// SPDX-License-Identifier: Apache-2.0
// Each check returns one line per violation.
import { isBuiltin } from 'node:module';
import { findCycles } from './cycles.ts';
import { isRelative, packageOf } from './imports.ts';
import {
  browserPackages,
  compositionRoots,
  independentFiles,
  packageEdges,
  serverEdges,
  testOnlyPackage,
} from './rules.ts';
import { exists, relativeImports, resolveRelative } from './source-tree.ts';
import type { Package, SourceFile, SourceTree } from './source-tree.ts';

function* importsOf(files: readonly SourceFile[]): Generator<{ file: SourceFile; specifier: string }> {
  for (const file of files) for (const specifier of file.imports) yield { file, specifier };
}

function everyPackage(tree: SourceTree): Package[] {
  return [tree.rootPackage, ...tree.packages];
}

function allFiles(tree: SourceTree): SourceFile[] {
  return everyPackage(tree).flatMap((owner) => owner.files);
}

/** Sources read, so that a check that examined nothing is not mistaken for one that passed. */
export function countFiles(tree: SourceTree): number {
  return tree.packages.flatMap((owner) => owner.files).length;
}

/** Relative imports stay inside their package and name a file that exists. */
export function checkRelativeImports(tree: SourceTree): string[] {
  return everyPackage(tree).flatMap((owner) =>
    [...importsOf(owner.files)]
      .filter(({ specifier }) => isRelative(specifier))
      .flatMap(({ file, specifier }) => {
        const target = resolveRelative(file, specifier);
        const home = owner.folder === '' ? '' : `packages/${owner.folder}/`;
        const leaves = owner.folder === '' ? target.startsWith('packages/') : !target.startsWith(home);
        if (leaves) return [`${file.path}: ${specifier} reaches into another package`];
        return exists(tree, target) ? [] : [`${file.path}: ${specifier} does not exist`];
      }),
  );
}

function isDeclared(tree: SourceTree, owner: Package, file: SourceFile, name: string): boolean {
  const { devDependencies } = tree.rootPackage;
  if (owner.folder === '') return devDependencies.has(name) || tree.packages.some((one) => one.name === name);
  if (owner.dependencies.has(name)) return true;
  if (!file.isTest) return false;
  const testing = tree.packages.find((one) => one.folder === testOnlyPackage)?.name;
  return name === owner.name || name === testing || devDependencies.has(name);
}

/** Every import is declared where npm looks for it (hoisting hides it otherwise), and every declaration is used. */
export function checkDeclarations(tree: SourceTree): string[] {
  return everyPackage(tree).flatMap((owner) => {
    const bare = [...importsOf(owner.files)].filter(
      ({ specifier }) => !isRelative(specifier) && !isBuiltin(specifier),
    );
    const undeclared = bare
      .filter(({ file, specifier }) => !isDeclared(tree, owner, file, packageOf(specifier)))
      .map(({ file, specifier }) => `${file.path}: ${specifier} is not declared in the package's manifest`);
    const used = new Set(bare.map(({ specifier }) => packageOf(specifier)));
    const unused = [...owner.dependencies]
      .filter((name) => !owner.isPrivate && owner.files.length > 0 && !used.has(name))
      .map((name) => `packages/${owner.folder}/package.json: ${name} is declared and never imported`);
    return [...undeclared, ...unused];
  });
}

/** The edges between packages, and that nothing but a test imports the testing package. */
export function checkPackageEdges(tree: SourceTree): string[] {
  const folders = new Map(tree.packages.map((one) => [one.name, one.folder]));
  return tree.packages.flatMap((owner) => {
    const allowed = packageEdges[owner.folder];
    if (allowed === undefined) return [`packages/${owner.folder}: has no row in tools/boundaries/rules.ts`];
    return [...importsOf(owner.files)].flatMap(({ file, specifier }) => {
      const target = isRelative(specifier) ? undefined : folders.get(packageOf(specifier));
      if (target === undefined || allowed.includes(target)) return [];
      if (file.isTest && (target === owner.folder || target === testOnlyPackage)) return [];
      return [`${file.path}: ${owner.folder} may not import ${target}`];
    });
  });
}

const serverSource = 'packages/server/src/';

/** The row that speaks for a file: its own if it has one, else its folder's; `src/domain.ts` → `domain`. */
function serverRow(path: string): string {
  const name = path.slice(serverSource.length).replace(/\.ts$/, '');
  return Object.hasOwn(serverEdges, name) ? name : name.split('/')[0]!;
}

/** The edges between the folders of the server. */
export function checkServerEdges(tree: SourceTree): string[] {
  const files = allFiles(tree).filter((file) => file.path.startsWith(serverSource) && !file.isTest);
  return files.flatMap((file) => {
    const from = serverRow(file.path);
    if (compositionRoots.includes(from)) return [];
    const allowed = serverEdges[from];
    if (allowed === undefined) return [`${file.path}: ${from} has no row in tools/boundaries/rules.ts`];
    return relativeImports(file)
      .filter((target) => target.startsWith(serverSource))
      .map(serverRow)
      .filter((to) => to !== from && !allowed.includes(to))
      .map((to) => `${file.path}: ${from} may not import ${to}`);
  });
}

/** No file imports itself by a detour, types included; no package either; and the tables promise neither. */
export function checkCycles(tree: SourceTree): string[] {
  const files = new Map(allFiles(tree).map((file) => [file.path, relativeImports(file)]));
  const names = new Set(tree.packages.map((one) => one.name));
  const packages = new Map(
    tree.packages.map((one) => [one.name, [...one.dependencies].filter((name) => names.has(name))]),
  );
  const tables = [packageEdges, serverEdges].map((edges) => new Map(Object.entries(edges)));
  return [files, packages, ...tables]
    .flatMap((graph) => findCycles(graph))
    .map((cycle) => `import cycle: ${cycle.join(' → ')}`);
}

/** Sources that must run in a browser import nothing of Node; everywhere else it is written `node:`. */
export function checkBrowserPurity(tree: SourceTree): string[] {
  return everyPackage(tree).flatMap((owner) => {
    const isBrowser = Object.hasOwn(browserPackages, owner.folder);
    const exempt = browserPackages[owner.folder];
    return [...importsOf(owner.files)]
      .filter(({ specifier }) => isBuiltin(specifier))
      .flatMap(({ file, specifier }) => {
        const isExempt =
          exempt !== undefined && file.path.startsWith(`packages/${owner.folder}/src/${exempt}/`);
        if (isBrowser && !file.isTest && !isExempt) return [`${file.path}: ${specifier} in a browser source`];
        return specifier.startsWith('node:') ? [] : [`${file.path}: write node:${specifier}`];
      });
  });
}

/** The conformance runner reaches no package, not even through a file beside it. */
export function checkIndependence(tree: SourceTree): string[] {
  const files = new Map(allFiles(tree).map((file) => [file.path, file]));
  return independentFiles.flatMap((start) => {
    const reached = new Set([start]);
    for (const path of reached) {
      const file = files.get(path);
      for (const target of file === undefined ? [] : relativeImports(file)) reached.add(target);
    }
    return [...reached].flatMap((path) =>
      (files.get(path)?.imports ?? [])
        .filter((specifier) => !isRelative(specifier) && !isBuiltin(specifier))
        .map((specifier) => `${path}: ${start} must stand alone, and this imports ${specifier}`),
    );
  });
}
