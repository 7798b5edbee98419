// SPDX-License-Identifier: Apache-2.0
import { TomlError, parse } from 'smol-toml';

export interface TomlDocument {
  readonly values: Readonly<Record<string, unknown>>;
  /** Line of a key, from 1; of its table where the key itself has none. */
  lineOf(path: readonly PropertyKey[]): number | undefined;
}

export interface TomlFault {
  readonly line: number;
  readonly what: string;
}

/** Far above any configuration, far below what would hurt. */
export const tomlBytesMax = 1024 * 1024;

export function readToml(text: string): TomlDocument | TomlFault {
  try {
    const values = parse(text) as Record<string, unknown>;
    const lines = linesOf(text);
    return {
      values,
      lineOf(path) {
        for (let length = path.length; length > 0; length--) {
          const line = lines.get(path.slice(0, length).map(String).join('.'));
          if (line !== undefined) return line;
        }
        return undefined;
      },
    };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [first = ''] = error.message.split('\n');
    return { line: error.line, what: first.replace(/^Invalid TOML document: /, '') };
  }
}

/** Where keys and tables stand. Keys of inline tables and text inside long strings are not looked for. */
function linesOf(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  const repeated = new Map<string, number>();
  let table = '';
  text.split('\n').forEach((line, index) => {
    const array = /^\s*\[\[\s*([\w.-]+)\s*\]\]/.exec(line)?.[1];
    const single = /^\s*\[\s*([\w.-]+)\s*\]/.exec(line)?.[1];
    const key = /^\s*([\w.-]+)\s*=/.exec(line)?.[1];
    if (array !== undefined) {
      const count = repeated.get(array) ?? 0;
      repeated.set(array, count + 1);
      if (count === 0) lines.set(array, index + 1);
      table = `${array}.${count}`;
      lines.set(table, index + 1);
    } else if (single !== undefined) {
      table = single;
      lines.set(table, index + 1);
    } else if (key !== undefined) {
      const path = table === '' ? key : `${table}.${key}`;
      if (!lines.has(path)) lines.set(path, index + 1);
    }
  });
  return lines;
}
