// SPDX-License-Identifier: Apache-2.0

/** Different lines that are remembered; beyond them the oldest may be written again. */
const linesMax = 256;

interface Line {
  untilMs: number;
  unwritten: number;
}

/** Keeps a line that comes again and again from filling the disk: written once in a while, with how often it came. */
export class Throttle {
  readonly #everyMs: number;
  readonly #lines = new Map<string, Line>();

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** How many like it were not written since the last; undefined if this one is not to be written either. */
  pass(line: string, nowMs: number): number | undefined {
    const present = this.#lines.get(line);
    if (present !== undefined && nowMs < present.untilMs) {
      present.unwritten += 1;
      return undefined;
    }
    this.#lines.delete(line);
    this.#lines.set(line, { untilMs: nowMs + this.#everyMs, unwritten: 0 });
    const [oldest] = this.#lines.keys();
    if (this.#lines.size > linesMax && oldest !== undefined) this.#lines.delete(oldest);
    return present?.unwritten ?? 0;
  }
}
