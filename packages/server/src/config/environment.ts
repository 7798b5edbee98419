// SPDX-License-Identifier: Apache-2.0
// Keys by environment variable (`SEALPOST_LISTEN_MQTTS`) and by flag (`--set listen.mqtts=…`).
import { readFileSync } from 'node:fs';
import { keys, type Key } from './keys.ts';
import { suggestion } from './nearest.ts';
import type { Problem } from './problem.ts';

const prefix = 'SEALPOST_';
/** Read by the command itself. Those of the tests begin with SEALPOST_TEST_. */
const others = ['SEALPOST_CONFIG', 'SEALPOST_DEBUG', 'SEALPOST_PROFILE'];

/** A value from outside the file, and who gave it. */
export interface Setting {
  readonly key: Key;
  readonly value: unknown;
  readonly origin: string;
}

export interface Settings {
  readonly settings: readonly Setting[];
  readonly problems: readonly Problem[];
}

const settable = keys.filter(({ isRepeated }) => !isRepeated);

export function variableOf(name: string): string {
  return prefix + name.toUpperCase().replaceAll('.', '_');
}

const byVariable = new Map(settable.map((key) => [variableOf(key.name), key]));
const byName = new Map(settable.map((key) => [key.name, key]));

/** Of every key, `…_FILE` names a file that holds the value, as container platforms mount secrets. */
export function readEnvironment(env: NodeJS.ProcessEnv): Settings {
  const settings: Setting[] = [];
  const problems: Problem[] = [];
  for (const [variable, value = ''] of Object.entries(env)) {
    if (!variable.startsWith(prefix) || others.includes(variable) || variable.startsWith('SEALPOST_TEST_'))
      continue;
    const direct = byVariable.get(variable);
    const byFile = variable.endsWith('_FILE')
      ? byVariable.get(variable.slice(0, -'_FILE'.length))
      : undefined;
    if (direct !== undefined) add(direct, value, variable);
    else if (byFile !== undefined) addFrom(byFile, value, variable);
    else
      problems.push({
        sentence: `The environment variable ${variable} means nothing${suggestion(variable, [...byVariable.keys(), ...others])}`,
      });
  }
  return { settings, problems };

  function add(key: Key, text: string, origin: string): void {
    settings.push({ key, value: valueOf(key, text), origin });
  }
  function addFrom(key: Key, file: string, variable: string): void {
    try {
      add(key, readFileSync(file, 'utf8').replace(/\r?\n$/, ''), `${variable} (${file})`);
    } catch {
      problems.push({
        key: key.name,
        kind: 'missing',
        sentence: `${variable} names ${file}, which cannot be read; name a file that this user can read.`,
      });
    }
  }
}

/** `key=value`, as after --set. */
export function readFlags(flags: readonly string[]): Settings {
  const settings: Setting[] = [];
  const problems: Problem[] = [];
  for (const flag of flags) {
    const at = flag.indexOf('=');
    const name = flag.slice(0, Math.max(at, 0)).trim();
    const key = byName.get(name);
    if (at < 1) problems.push({ sentence: `--set ${flag} has no value; write --set key=value.` });
    else if (key === undefined)
      problems.push({
        sentence: `--set ${flag}: there is no key ${name}${suggestion(name, [...byName.keys()])}`,
      });
    else settings.push({ key, value: valueOf(key, flag.slice(at + 1).trim()), origin: `--set ${name}` });
  }
  return { settings, problems };
}

function valueOf({ form }: Key, text: string): unknown {
  switch (form) {
    case 'number':
      return /^-?[0-9]+$/.test(text) ? Number(text) : text;
    case 'list':
      return text.split(',').map((part) => part.trim());
    case 'text':
      return text;
  }
}
