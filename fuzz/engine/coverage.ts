// SPDX-License-Identifier: Apache-2.0
// Which blocks of our own sources have run, by V8's precise coverage, in this thread. V8 names only the blocks that did
// NOT run inside a function that did, so what is kept of each function is a map of the characters that have run.
import { Session, type Profiler } from 'node:inspector';

const sources = new URL('../../packages/', import.meta.url).href;

interface FunctionState {
  readonly start: number;
  /** 1: this character has run. */
  readonly run: Uint8Array;
  /** Ends of all blocks ever named, by start. */
  readonly blocks: Set<number>;
  /** Forms of this function's coverage that brought nothing new any more. */
  readonly stale: Set<string>;
}

const staleMax = 256;

/** What ran between two samples. */
export type Sample = readonly { readonly key: string; readonly ranges: readonly Profiler.CoverageRange[] }[];

export class Coverage {
  readonly #session = new Session();
  readonly #functions = new Map<string, FunctionState>();

  start(): void {
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    this.take();
  }

  stop(): void {
    this.#session.disconnect();
  }

  /** Since the last call. */
  take(): Sample {
    const { result } = this.#post('Profiler.takePreciseCoverage') as Profiler.TakePreciseCoverageReturnType;
    const sample: { key: string; ranges: readonly Profiler.CoverageRange[] }[] = [];
    for (const { url, functions } of result) {
      if (!url.startsWith(sources) || url.includes('/node_modules/')) continue;
      for (const { ranges } of functions) {
        const [whole] = ranges;
        if (whole === undefined || whole.count === 0) continue;
        sample.push({ key: `${url}:${whole.startOffset}:${whole.endOffset}`, ranges });
      }
    }
    return sample;
  }

  /** Remembers what ran; true if some of it had not run before. */
  add(sample: Sample): boolean {
    let isNew = false;
    for (const { key, ranges } of sample) {
      const state = this.#stateOf(key, ranges);
      const form = formOf(ranges);
      if (state.stale.has(form)) continue;
      if (paint(state, ranges)) isNew = true;
      if (state.stale.size < staleMax) state.stale.add(form);
    }
    return isNew;
  }

  /** Whether `add` would say true. */
  isNew(sample: Sample): boolean {
    return sample.some(({ key, ranges }) => {
      const state = this.#functions.get(key);
      if (state === undefined) return true;
      return !state.stale.has(formOf(ranges)) && brings(state, ranges);
    });
  }

  /** Blocks that ran, of those that V8 has told apart so far. */
  get blocks(): number {
    let count = 0;
    for (const { blocks, run, start } of this.#functions.values())
      for (const block of blocks) if (run[block - start] === 1) count++;
    return count;
  }

  get functions(): number {
    return this.#functions.size;
  }

  #stateOf(key: string, ranges: readonly Profiler.CoverageRange[]): FunctionState {
    const known = this.#functions.get(key);
    if (known !== undefined) return known;
    const { startOffset: start = 0, endOffset: end = 0 } = ranges[0] ?? {};
    const state: FunctionState = {
      start,
      run: new Uint8Array(end - start),
      blocks: new Set(),
      stale: new Set(),
    };
    this.#functions.set(key, state);
    return state;
  }

  #post(method: string, parameters?: object): unknown {
    let answer: unknown;
    // In-process the callback comes before post returns.
    this.#session.post(method, parameters, (error, result) => {
      if (error !== null) throw error;
      answer = result;
    });
    return answer;
  }
}

/** Blocks that did not run. */
function formOf(ranges: readonly Profiler.CoverageRange[]): string {
  let form = '';
  for (const { startOffset, endOffset, count } of ranges)
    form += `${startOffset}-${endOffset}${count === 0 ? '!' : ','}`;
  return form;
}

/** Outer ranges stand before inner ones. */
function mapOf({ start, run }: FunctionState, ranges: readonly Profiler.CoverageRange[]): Uint8Array {
  const map = new Uint8Array(run.length);
  for (const { startOffset, endOffset, count } of ranges)
    map.fill(count === 0 ? 0 : 1, startOffset - start, endOffset - start);
  return map;
}

function brings(state: FunctionState, ranges: readonly Profiler.CoverageRange[]): boolean {
  return mapOf(state, ranges).some((ran, at) => ran === 1 && state.run[at] === 0);
}

function paint(state: FunctionState, ranges: readonly Profiler.CoverageRange[]): boolean {
  let isNew = false;
  for (const { startOffset } of ranges) state.blocks.add(startOffset);
  mapOf(state, ranges).forEach((ran, at) => {
    if (ran === 0 || state.run[at] === 1) return;
    state.run[at] = 1;
    isNew = true;
  });
  return isNew;
}
