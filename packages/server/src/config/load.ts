// SPDX-License-Identifier: Apache-2.0
// Defaults, then the file, then the environment, then flags; and for every value, who gave it.
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { readEnvironment, readFlags, type Setting } from './environment.ts';
import { keys, namesIn } from './keys.ts';
import { suggestion } from './nearest.ts';
import { ConfigError, type Problem } from './problem.ts';
import { schema, type Config } from './schema.ts';
import { readToml, tomlBytesMax, type TomlDocument } from './toml.ts';

export interface LoadOptions {
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  /** `key=value`. */
  readonly flags?: readonly string[];
}

export interface LoadedConfig {
  /** Absolute. */
  readonly file: string;
  readonly config: Config;
  /** As it was written, before it was read: for `config show`. */
  readonly written: Readonly<Record<string, unknown>>;
  /** `default`, `sealpost.toml:3`, a variable or a flag; by dotted name, `peer.0.domain` for peers. */
  readonly origins: ReadonlyMap<string, string>;
  /** What a path in the configuration is relative to. */
  at(path: string): string;
}

/** Throws a ConfigError with everything that is wrong. */
export async function loadConfig({ file, env, flags = [] }: LoadOptions): Promise<LoadedConfig> {
  const absolute = resolve(file);
  const document = await readDocument(file);
  const environment = readEnvironment(env);
  const flagged = readFlags(flags);
  const settings = [...environment.settings, ...flagged.settings];
  const values = structuredClone(document.values) as Record<string, unknown>;
  for (const { key, value } of settings) put(values, key.name.split('.'), value);
  const parsed = schema.safeParse(values);
  const origin = originOf(file, document, settings);
  const problems = [
    ...environment.problems,
    ...flagged.problems,
    ...(parsed.error?.issues ?? []).flatMap((issue) => problemsOf(issue, values, origin)),
  ];
  if (parsed.data === undefined || problems.length > 0) throw new ConfigError(problems);
  const base = dirname(absolute);
  const { written, origins } = shown(values, origin);
  return { file: absolute, config: parsed.data, written, origins, at: (path) => resolve(base, path) };
}

async function readDocument(file: string): Promise<TomlDocument> {
  const document = readToml(await readText(file));
  if ('values' in document) return document;
  throw new ConfigError([
    { sentence: `${file}:${document.line} is not TOML: ${document.what}; correct that line.` },
  ]);
}

async function readText(file: string): Promise<string> {
  try {
    const handle = await open(file, 'r');
    try {
      if ((await handle.stat()).size > tomlBytesMax)
        throw new ConfigError([{ sentence: `${file} is larger than any configuration; name another file.` }]);
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    const sentence = unreadable(file, (error as NodeJS.ErrnoException).code);
    throw sentence === undefined ? error : new ConfigError([sentence]);
  }
}

function unreadable(file: string, code: string | undefined): Problem | undefined {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return {
        kind: 'missing',
        sentence: `There is no ${file}; make one with sealpost init, or name yours with --config FILE.`,
      };
    case 'EACCES':
      return {
        kind: 'permission',
        sentence: `${file} may not be read by this user; run the command as its owner.`,
      };
    case 'EISDIR':
      return { sentence: `${file} is a folder; name the file in it, as in ${file}/sealpost.toml.` };
    default:
      return undefined;
  }
}

type Origin = (path: readonly PropertyKey[]) => string;

/** Who gave the value at this path, as a place to look at. */
function originOf(file: string, document: TomlDocument, settings: readonly Setting[]): Origin {
  const outside = new Map(settings.map(({ key, origin }) => [key.name, origin]));
  return (path) => {
    const given = outside.get(path.map(String).join('.'));
    if (given !== undefined) return given;
    const line = document.lineOf(path);
    return line === undefined ? file : `${file}:${line}`;
  };
}

function problemsOf(
  issue: z.core.$ZodIssue,
  values: Readonly<Record<string, unknown>>,
  origin: Origin,
): Problem[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((name) => {
      const path = [...issue.path, name];
      const known = namesIn(issue.path).map((one) => nameOf([...issue.path, one]));
      const hint = suggestion(nameOf(path), known);
      return { key: nameOf(path), sentence: `${origin(path)}: there is no key ${nameOf(path)}${hint}` };
    });
  const name = nameOf(issue.path);
  const isMissing = issue.path.length > 0 && valueAt(values, issue.path) === undefined;
  const message = isMissing
    ? issue.message.replace(' or no text', '')
    : issue.message.replace('is missing or ', '');
  return [{ key: name, sentence: `${origin(issue.path)}: ${name} ${message}.` }];
}

function nameOf(path: readonly PropertyKey[]): string {
  return path
    .filter((part) => typeof part !== 'number')
    .map(String)
    .join('.');
}

function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined,
    values,
  );
}

function put(values: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name = '', ...rest] = path;
  if (rest.length === 0) {
    values[name] = value;
    return;
  }
  const inner = values[name];
  const table = typeof inner === 'object' && inner !== null ? inner : {};
  values[name] = table;
  put(table as Record<string, unknown>, rest, value);
}

function shown(
  values: Readonly<Record<string, unknown>>,
  origin: Origin,
): Pick<LoadedConfig, 'written' | 'origins'> {
  const written: Record<string, unknown> = {};
  const origins = new Map<string, string>();
  const note = (path: readonly PropertyKey[], fallback: unknown): void => {
    const value = valueAt(values, path);
    if (value === undefined && fallback === undefined) return;
    const name = path.map(String).join('.');
    written[name] = value ?? fallback;
    origins.set(name, value === undefined ? 'default' : origin(path));
  };
  for (const key of keys.filter(({ isRepeated }) => !isRepeated)) note(key.name.split('.'), key.default);
  const peers = values['peer'];
  if (Array.isArray(peers))
    peers.forEach((_peer, index) => {
      for (const { name } of keys.filter(({ isRepeated }) => isRepeated))
        note(['peer', index, ...name.split('.').slice(1)], undefined);
    });
  return { written, origins };
}
