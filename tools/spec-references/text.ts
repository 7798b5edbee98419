// SPDX-License-Identifier: Apache-2.0

export interface Requirement {
  /** Such as `SEAL-3`. */
  readonly id: string;
  /** Where it is written, from the root. */
  readonly path: string;
  readonly line: number;
  /** The requirement as far as its first full stop or line end, without its id. */
  readonly firstWords: string;
}

/** Ids in brackets that are somebody else's: requirements of MQTT's own text, RFC references. */
const foreignPrefixes = new Set(['MQTT', 'RFC', 'ISO', 'ETSI']);

const definition = /^\*\*\[([A-Z]{2,}-\d+)\]\*\*(.*(?:\n(?!\n|\*\*\[).*)*)/gm;
const citation = /\[([A-Z]{2,})-(\d+)\]/g;

const firstWordsMax = 110;

function firstWords(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const sentence = /^.*?\.(?= |$)/.exec(line)?.[0] ?? line;
  if (sentence.length <= firstWordsMax) return sentence;
  return `${sentence.slice(0, sentence.lastIndexOf(' ', firstWordsMax))} …`;
}

export function readRequirements(path: string, text: string): Requirement[] {
  return [...text.matchAll(definition)].map((match) => ({
    id: match[1]!,
    path,
    line: text.slice(0, match.index).split('\n').length,
    firstWords: firstWords(match[2]!),
  }));
}

/** The ids that a text cites, each once. */
export function readCitations(text: string): string[] {
  const ids = [...text.matchAll(citation)]
    .filter((match) => !foreignPrefixes.has(match[1]!))
    .map((match) => `${match[1]}-${match[2]}`);
  return [...new Set(ids)];
}
