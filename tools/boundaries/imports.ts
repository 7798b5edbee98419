// SPDX-License-Identifier: Apache-2.0
// Reads the module specifiers of a source file. TypeScript 7 has no programmatic parser yet, so this relies on the
// formatter, which puts every static import and re-export at the start of a line. What begins like an import and
// cannot be read is an exception: a boundary that is not seen must not look like one that is kept.

const staticImport = /^(?:import|export)\b[\w\s{},*$]*?['"]([^'"\n]+)['"]/gm;
const beginsStaticImport = /^import\b(?!\s*[.(])|^export\s+(?:type\s+)?(?:\*|\{)[\w\s{},*$]*?\bfrom\b/gm;
const dynamicImport = /\bimport\(\s*['"]([^'"\n]+)['"]/g;

/** Specifiers in order of appearance, types included. */
export function readImports(text: string): string[] {
  const statics = [...text.matchAll(staticImport)];
  const read = new Set(statics.map((match) => match.index));
  for (const { index } of text.matchAll(beginsStaticImport)) {
    if (!read.has(index)) throw new Error(`cannot read this import: ${text.slice(index, index + 60)}`);
  }
  return [...statics, ...text.matchAll(dynamicImport)].map((match) => match[1]!);
}

/** The package that a bare specifier names: `@scope/name/path` → `@scope/name`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

export function isRelative(specifier: string): boolean {
  return specifier.startsWith('./') || specifier.startsWith('../');
}
