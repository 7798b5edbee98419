// SPDX-License-Identifier: Apache-2.0
// One target, one thread, a limited time: choose an input, change it, run it, keep it if it reached something new.
import { getHeapStatistics } from 'node:v8';
import { Broken, type OpenTarget, type Target } from '../target.ts';
import { Corpus } from './corpus.ts';
import { Coverage } from './coverage.ts';
import { findingOf, keyOf, type Finding } from './finding.ts';
import { minimise } from './minimise.ts';
import { mutate, type Material } from './mutate.ts';
import { Random } from './random.ts';

export interface CampaignOptions {
  readonly seed: number;
  readonly milliseconds: number;
  /** Told before each execution, so that somebody outside can see that it hangs, and on what. */
  running(input: Uint8Array): void;
  idle(): void;
}

export interface CampaignResult {
  readonly executions: number;
  readonly milliseconds: number;
  readonly blocks: number;
  readonly functions: number;
  readonly corpus: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly slowestMs: number;
  readonly findings: readonly Finding[];
}

const batchMax = 256;
const outcomesMax = 512;
const findingsMax = 8;
const checkMs = 3000;
/** Inputs before a finding that may have led to it, where the target remembers. */
const historyMax = 24;

export class Campaign {
  readonly #target: Target;
  readonly #open: OpenTarget;
  readonly #options: CampaignOptions;
  readonly #random: Random;
  readonly #corpus = new Corpus();
  readonly #coverage = new Coverage();
  readonly #outcomes = new Map<string, number>();
  readonly #findings = new Map<string, Finding>();
  readonly #history: Uint8Array[] = [];
  /** Thrown where nobody waits for it: a timer, a promise that was let go. */
  #stray: unknown;
  #executions = 0;
  #slowestMs = 0;

  constructor(target: Target, open: OpenTarget, options: CampaignOptions) {
    this.#target = target;
    this.#open = open;
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  stray(error: unknown): void {
    this.#stray ??= error;
  }

  async run(): Promise<CampaignResult> {
    const startMs = performance.now();
    const endMs = startMs + this.#options.milliseconds;
    this.#coverage.start();
    for (const seed of this.#open.seeds) await this.#batch([seed]);
    for (const seed of this.#open.seeds) this.#corpus.add(seed, this.#random);
    const { together } = this.#target;
    let size = together ?? 1;
    let checkedMs = startMs;
    while (performance.now() < endMs && this.#mayGoOn()) {
      const isNew = await this.#batch(Array.from({ length: size }, () => this.#next()));
      size = together ?? (isNew ? Math.ceil(size / 2) : Math.min(size * 2, batchMax));
      if (performance.now() - checkedMs < checkMs) continue;
      await this.#check();
      checkedMs = performance.now();
    }
    await this.#check();
    const milliseconds = performance.now() - startMs;
    const { blocks, functions } = this.#coverage;
    this.#coverage.stop();
    return {
      executions: this.#executions,
      milliseconds,
      blocks,
      functions,
      corpus: this.#corpus.size,
      outcomes: Object.fromEntries([...this.#outcomes].toSorted(([, left], [, right]) => right - left)),
      slowestMs: this.#slowestMs,
      findings: await this.#minimised(),
    };
  }

  /** One input, for a finding that is looked at again. */
  async replay(input: Uint8Array): Promise<Finding | undefined> {
    const error = await this.#execute(input);
    await this.#check();
    return error === undefined ? [...this.#findings.values()][0] : findingOf(error, input);
  }

  /** What a stateful target has broken stays broken. */
  #mayGoOn(): boolean {
    return this.#findings.size < (this.#isStateful ? 1 : findingsMax);
  }

  get #isStateful(): boolean {
    return this.#target.together !== undefined;
  }

  #next(): Uint8Array {
    const random = this.#random;
    const chosen = this.#corpus.choose(random);
    const material: Material = {
      random,
      dictionary: this.#open.dictionary ?? [],
      inputBytesMax: this.#target.inputBytesMax,
      other: () => this.#corpus.choose(random),
    };
    if (this.#open.vary === undefined || random.chance(3)) return mutate(chosen, material);
    const varied = this.#open.vary(chosen, random).subarray(0, this.#target.inputBytesMax);
    return random.chance(4) ? mutate(varied, material) : varied;
  }

  /** True if something ran that never ran before; the inputs that did it are kept. */
  async #batch(inputs: readonly Uint8Array[]): Promise<boolean> {
    if (this.#isStateful) await Promise.all(inputs.map((input) => this.#try(input)));
    else for (const input of inputs) await this.#try(input);
    const sample = this.#coverage.take();
    if (!this.#coverage.isNew(sample)) return false;
    if (inputs.length === 1 || this.#isStateful) this.#keep(inputs);
    else await this.#split(inputs);
    this.#coverage.add(sample);
    return true;
  }

  /** A sample costs as much as many executions, so the inputs are run again by halves. */
  async #split(inputs: readonly Uint8Array[]): Promise<void> {
    const middle = Math.ceil(inputs.length / 2);
    for (const half of [inputs.slice(0, middle), inputs.slice(middle)]) {
      for (const input of half) await this.#execute(input);
      const sample = this.#coverage.take();
      if (!this.#coverage.isNew(sample)) continue;
      if (half.length === 1) this.#keep(half);
      else await this.#split(half);
      this.#coverage.add(sample);
    }
  }

  #keep(inputs: readonly Uint8Array[]): void {
    for (const input of inputs) this.#corpus.add(input, this.#random);
  }

  async #try(input: Uint8Array): Promise<void> {
    const error = await this.#execute(input);
    if (error === undefined) return;
    const key = keyOf(error);
    if (!this.#findings.has(key)) this.#findings.set(key, findingOf(error, input, this.#history));
  }

  /** Returns what was thrown. */
  async #execute(input: Uint8Array): Promise<unknown> {
    this.#options.running(input);
    if (this.#isStateful) this.#remember(input);
    const bytesMax = this.#target.allocatedBytesMax;
    const before = bytesMax === undefined ? 0 : getHeapStatistics().external_memory;
    const startMs = performance.now();
    // A copy, and never a Buffer: what the target keeps or writes must not change the corpus.
    const own = new Uint8Array(input);
    try {
      const ran = this.#open.run(own);
      const outcome = typeof ran === 'string' ? ran : await ran;
      if (this.#stray !== undefined) throw this.#takeStray();
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startMs);
      if (bytesMax !== undefined && getHeapStatistics().external_memory - before > bytesMax)
        throw new Broken(`allocated more than ${bytesMax} bytes for ${input.length}`);
      this.#note(outcome, input);
      return undefined;
    } catch (error) {
      return error ?? new Error('nothing was thrown, but thrown it was');
    } finally {
      this.#executions++;
      this.#options.idle();
    }
  }

  #remember(input: Uint8Array): void {
    this.#history.push(input);
    if (this.#history.length > historyMax) this.#history.shift();
  }

  #takeStray(): unknown {
    const error = this.#stray;
    this.#stray = undefined;
    return error;
  }

  #note(outcome: string, input: Uint8Array): void {
    const count = this.#outcomes.get(outcome);
    if (count === undefined && this.#outcomes.size >= outcomesMax) return;
    this.#outcomes.set(outcome, (count ?? 0) + 1);
    if (count === undefined) this.#corpus.add(input, this.#random);
  }

  async #check(): Promise<void> {
    this.#options.running(new Uint8Array(0));
    try {
      await this.#open.check?.();
      if (this.#stray !== undefined) throw this.#takeStray();
    } catch (error) {
      this.#findings.set(keyOf(error), findingOf(error, new Uint8Array(0), this.#history));
    } finally {
      this.#options.idle();
    }
  }

  async #minimised(): Promise<Finding[]> {
    const minimal: Finding[] = [];
    for (const finding of this.#findings.values()) {
      const stillFails = async (input: Uint8Array): Promise<boolean> => {
        const error = await this.#execute(input);
        return error !== undefined && keyOf(error) === finding.key;
      };
      const input = this.#isStateful ? finding.input : await minimise(finding.input, stillFails);
      minimal.push({ ...finding, input });
    }
    return minimal;
  }
}
