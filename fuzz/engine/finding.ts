// SPDX-License-Identifier: Apache-2.0

export interface Finding {
  /** The same for the same bug, as far as one can tell. */
  readonly key: string;
  readonly description: string;
  readonly input: Uint8Array;
}

const thrownCharactersMax = 4000;
const shownBytesMax = 600;

/** Numbers and quoted values change with the input; name, words and place do not. */
export function keyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, 100);
  const place = /\bat .*?([\w-]+\.ts):/.exec(error.stack ?? '')?.[1] ?? '';
  return `${error.name}: ${error.message
    .split('\n')[0]
    ?.replaceAll(/\d+|'[^']*'|"[^"]*"/g, '…')
    .slice(0, 100)} (${place})`;
}

export function findingOf(error: unknown, input: Uint8Array, before: readonly Uint8Array[] = []): Finding {
  const thrown = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const history = before.map((earlier) => `\n  before it: ${shown(earlier)}`).join('');
  const description = thrown.slice(0, thrownCharactersMax) + history;
  return {
    key: keyOf(error),
    description,
    input: new Uint8Array(input),
  };
}

function shown(input: Uint8Array): string {
  return input.length > shownBytesMax ? `${input.length} bytes` : Buffer.from(input).toString('base64');
}

/** The line that replays it. */
export function replayCommand(target: string, input: Uint8Array): string {
  return `npm run fuzz -- --target ${target} --input ${Buffer.from(input).toString('base64') || "''"}`;
}
