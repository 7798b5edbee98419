// SPDX-License-Identifier: Apache-2.0
// Reads what Prometheus reads (its text format, version 0.0.4), and nothing that is not quite right.

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const metricName = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const described = new RegExp(`^# (HELP|TYPE) (${metricName}) (.+)$`);
const sampled = new RegExp(`^(${metricName})(?:\\{(.*)\\})? ([-+]?(?:[0-9.eE+-]+|Inf)|NaN)$`);
const labelled = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,(?=.)|$)/;
const types = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];
const parts: Readonly<Record<string, readonly string[]>> = { histogram: ['_bucket', '_sum', '_count'] };

/** By name. Throws a SyntaxError at the first line that is wrong. */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith('\n')) throw new SyntaxError('the last line does not end');
  const families = new Map<string, Family & { samples: Sample[]; type: string }>();
  let current: (Family & { samples: Sample[]; type: string }) | undefined;
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, what, name = '', rest = ''] = described.exec(line) ?? [];
    if (what === 'HELP') {
      if (families.has(name)) throw new SyntaxError(`described twice: ${name}`);
      current = { name, type: '', help: rest, samples: [] };
      families.set(name, current);
    } else if (what === 'TYPE') {
      if (current?.name !== name || current.type !== '' || !types.includes(rest))
        throw new SyntaxError(`out of place: ${line}`);
      current.type = rest;
    } else {
      const sample = parseSample(line);
      if (current === undefined || !belongs(sample.name, current))
        throw new SyntaxError(`of no family: ${line}`);
      current.samples.push(sample);
    }
  }
  for (const family of families.values()) check(family);
  return families;
}

/** The value of the one sample with these labels; undefined if there is none. */
export function sampleOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = keyOf({ name, labels });
  return families.get(name)?.samples.find((sample) => keyOf(sample) === wanted)?.value;
}

function parseSample(line: string): Sample {
  const [, name, inBraces = '', value] = sampled.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new SyntaxError(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  for (let rest = inBraces; rest !== '';) {
    const [whole, label, text] = labelled.exec(rest) ?? [];
    if (whole === undefined || label === undefined || text === undefined || Object.hasOwn(labels, label))
      throw new SyntaxError(`labels: ${line}`);
    labels[label] = text.replace(/\\(.)/g, (_all, character) =>
      character === 'n' ? '\n' : String(character),
    );
    rest = rest.slice(whole.length);
  }
  const number = Number(value.replace('Inf', 'Infinity'));
  if (Number.isNaN(number) && value !== 'NaN') throw new SyntaxError(`value: ${line}`);
  return { name, labels, value: number };
}

function belongs(name: string, family: Family): boolean {
  return (parts[family.type] ?? ['']).some((part) => name === family.name + part);
}

function keyOf({ name, labels }: Pick<Sample, 'name' | 'labels'>): string {
  return JSON.stringify([
    name,
    Object.keys(labels)
      .toSorted(inOrder)
      .map((label) => [label, labels[label]]),
  ]);
}

function check(family: Family): void {
  const { name, type, samples } = family;
  if (type === '') throw new SyntaxError(`without a type: ${name}`);
  if (new Set(samples.map(keyOf)).size !== samples.length) throw new SyntaxError(`twice the same: ${name}`);
  if (type === 'counter' && (!name.endsWith('_total') || samples.some(({ value }) => !(value >= 0))))
    throw new SyntaxError(`no counter: ${name}`);
  if (type === 'histogram') checkHistogram(family);
}

function checkHistogram({ name, samples }: Family): void {
  const rows = new Map<string, number[]>();
  for (const { name: of, labels, value } of samples) {
    const { le, ...others } = labels;
    const key = JSON.stringify(others);
    if (of === `${name}_bucket` && le !== undefined) rows.set(key, [...(rows.get(key) ?? []), value]);
    if (of === `${name}_count` && rows.get(key)?.at(-1) !== value)
      throw new SyntaxError(`${name}: the last bucket is not the count`);
  }
  for (const row of rows.values())
    if (row.some((value, index) => value < (row[index - 1] ?? 0)))
      throw new SyntaxError(`${name}: buckets are not cumulative`);
}

function inOrder(left: string, right: string): number {
  return left < right ? -1 : 1;
}
