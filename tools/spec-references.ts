// SPDX-License-Identifier: Apache-2.0
// Checks that every numbered requirement of spec/ is implemented somewhere and tested somewhere, and that nothing
// cites a requirement that does not exist. `npm run check:spec`; with --report it writes docs/conformance.md.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { reportPath, survey } from './spec-references/survey.ts';
import type { Survey } from './spec-references/survey.ts';

function duplicates({ requirements }: Survey): string[] {
  const first = new Map<string, string>();
  return requirements.flatMap(({ id, path, line }) => {
    const place = `${path}:${line}`;
    const earlier = first.get(id);
    if (earlier === undefined) first.set(id, place);
    return earlier === undefined ? [] : [`${place}: [${id}] is already at ${earlier}`];
  });
}

function uncited({ requirements, implementedIn, testedIn }: Survey): string[] {
  return requirements.flatMap(({ id, path, line }) => [
    ...(implementedIn.has(id) ? [] : [`${path}:${line}: [${id}] is cited by no source`]),
    ...(testedIn.has(id) ? [] : [`${path}:${line}: [${id}] is cited by no test`]),
  ]);
}

function dangling({ requirements, implementedIn, testedIn, mentionedIn }: Survey): string[] {
  const known = new Set(requirements.map(({ id }) => id));
  return [implementedIn, testedIn, mentionedIn].flatMap((citations) =>
    [...citations]
      .filter(([id]) => !known.has(id))
      .flatMap(([id, paths]) => paths.map((path) => `${path}: [${id}] is not in spec/`)),
  );
}

/** One line per violation. */
export function checkReferences(found: Survey): string[] {
  if (found.requirements.length === 0) return ['no requirement was found in spec/'];
  return [...duplicates(found), ...uncited(found), ...dangling(found)];
}

function links(paths: readonly string[] = []): string {
  return paths.map((path) => `[${path.replace(/^packages\//, '')}](../${path})`).join('<br>');
}

export async function renderReport({ requirements, implementedIn, testedIn }: Survey): Promise<string> {
  const rows = requirements.map(
    ({ id, path, firstWords }) =>
      `| [${id}](../${path}) | ${firstWords.replaceAll('|', '\\|')} | ${links(implementedIn.get(id))} | ${links(testedIn.get(id))} |`,
  );
  const page = [
    '# Conformance',
    '',
    'Every numbered requirement of `spec/`, where the code implements it and where it is tested.',
    'Written by `node tools/spec-references.ts --report`; the check fails when it is out of date.',
    '',
    '| requirement | first words | implemented in | tested in |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
  const options = await resolveConfig(fileURLToPath(import.meta.url));
  return format(page, { ...options, parser: 'markdown' });
}

async function main(): Promise<void> {
  const root = fileURLToPath(new URL('../', import.meta.url));
  const found = survey(root);
  const violations = checkReferences(found);
  const page = join(root, reportPath);
  const wanted = await renderReport(found);
  const present = existsSync(page) ? readFileSync(page, 'utf8') : '';
  if (process.argv.includes('--report')) writeFileSync(page, wanted);
  else if (present !== wanted) {
    violations.push(`${reportPath}: out of date; run \`node tools/spec-references.ts --report\``);
  }
  for (const line of violations) console.error(`spec: ${line}`);
  if (violations.length > 0) process.exitCode = 1;
  else console.log(`spec: ${found.requirements.length} requirements, all implemented and tested`);
}

if (import.meta.main) await main();
