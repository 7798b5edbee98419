// SPDX-License-Identifier: Apache-2.0
import { Worker } from 'node:worker_threads';
import { StoreError } from '../sqlite/store-error.ts';
import type { PruneStep } from './custody.ts';
import type { Question } from './sqlite-reader.ts';
import type { FromStore, StoreOptions, ToStore } from './thread-messages.ts';

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

interface Asked extends Waiting<readonly Record<string, unknown>[]> {
  readonly question: Question;
  readonly values: readonly unknown[];
}

/** Questions that may stand before a batch in the thread's queue: a commit waits for no more than these. */
const askedMax = 4;

// Node runs the sources as they are; published code is compiled and `new URL` is not rewritten by the compiler.
const isSource = import.meta.url.endsWith('.ts');
const entry = new URL(isSource ? './sqlite-worker.ts' : './sqlite-worker.js', import.meta.url);
const execArgv = isSource ? ['--conditions=sealpost-source'] : [];

/** The thread that owns the database, seen from the main thread. */
export class StoreThread {
  readonly #worker: Worker;
  readonly #failed: (error: Error) => void;
  readonly #batches: Waiting<ArrayBuffer>[] = [];
  readonly #prunings: Waiting<PruneStep>[] = [];
  readonly #probes: Waiting<boolean>[] = [];
  readonly #asked: Asked[] = [];
  readonly #questions: Asked[] = [];
  readonly #opened = Promise.withResolvers<void>();
  readonly #ended: Promise<void>;
  readonly #hurry: Int32Array<SharedArrayBuffer>;
  #isOpen = false;
  #closing = false;
  #failure: Error | undefined;

  /** `failed` is called once, when the thread ends otherwise than by close(); everything rejects from then on. */
  static async open(
    options: Omit<StoreOptions, 'hurry'>,
    failed: (error: Error) => void,
  ): Promise<StoreThread> {
    const hurry = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const workerData: StoreOptions = { ...options, hurry };
    const thread = new StoreThread(new Worker(entry, { workerData, execArgv }), hurry, failed);
    await thread.#opened.promise;
    return thread;
  }

  private constructor(worker: Worker, hurry: Int32Array<SharedArrayBuffer>, failed: (error: Error) => void) {
    this.#worker = worker;
    this.#hurry = hurry;
    this.#failed = failed;
    worker.on('message', (message: FromStore) => this.#received(message));
    worker.on('error', (error: unknown) => this.#fail(asError(error)));
    this.#ended = new Promise((resolve) => {
      worker.on('exit', () => {
        if (!this.#closing) this.#fail(new Error('the custody thread ended'));
        resolve();
      });
    });
  }

  /** Transfers the buffer. */
  write(batch: ArrayBuffer): Promise<ArrayBuffer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<ArrayBuffer>();
    this.#batches.push({ resolve, reject });
    Atomics.store(this.#hurry, 0, 0);
    this.#post(batch);
    return promise;
  }

  /** The batch that is being written ends where it has got to; the rest of it is postponed. */
  hurry(): void {
    Atomics.store(this.#hurry, 0, 1);
  }

  prune(nowSeconds: number): Promise<PruneStep> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#closing) return Promise.reject(new Error('custody is closed'));
    const { promise, resolve, reject } = Promise.withResolvers<PruneStep>();
    this.#prunings.push({ resolve, reject });
    this.#post({ kind: 'prune', nowSeconds });
    return promise;
  }

  probe(): Promise<boolean> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#closing) return Promise.reject(new Error('custody is closed'));
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.#probes.push({ resolve, reject });
    this.#post({ kind: 'probe' });
    return promise;
  }

  /** Rejects, too, when this question cannot be answered; nothing else is touched by that. */
  ask(question: Question, ...values: readonly unknown[]): Promise<readonly Record<string, unknown>[]> {
    return this.#enqueue((asked) => this.#questions.push(asked), question, values);
  }

  /** For an operator, who asks seldom: before all that clients and peers have asked and that is not under way. */
  askFirst(question: Question, ...values: readonly unknown[]): Promise<readonly Record<string, unknown>[]> {
    return this.#enqueue((asked) => this.#questions.unshift(asked), question, values);
  }

  #enqueue(
    enqueue: (asked: Asked) => void,
    question: Question,
    values: readonly unknown[],
  ): Promise<readonly Record<string, unknown>[]> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#closing) return Promise.reject(new Error('custody is closed'));
    const { promise, resolve, reject } = Promise.withResolvers<readonly Record<string, unknown>[]>();
    enqueue({ question, values, resolve, reject });
    this.#askNext();
    return promise;
  }

  /** Batches and questions under way are answered before. */
  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      while (this.#questions.length > 0 && this.#failure === undefined) this.#putNext();
      if (this.#failure === undefined) this.#post({ kind: 'close' });
    }
    await this.#ended;
  }

  #askNext(): void {
    while (this.#asked.length < askedMax && this.#questions.length > 0) this.#putNext();
  }

  #putNext(): void {
    const next = this.#questions.shift();
    if (next === undefined) return;
    try {
      this.#post({ kind: 'ask', question: next.question, values: next.values });
      this.#asked.push(next);
    } catch (error) {
      // A value that cannot pass between threads.
      next.reject(asError(error));
    }
  }

  #post(message: ToStore): void {
    this.#worker.postMessage(message, message instanceof ArrayBuffer ? [message] : []);
  }

  #received(message: FromStore): void {
    if (message instanceof ArrayBuffer) {
      this.#batches.shift()?.resolve(message);
    } else if (message.kind === 'answer') {
      this.#asked.shift()?.resolve(message.rows);
      this.#askNext();
    } else if (message.kind === 'unanswered') {
      this.#asked.shift()?.reject(unanswered(message));
      this.#askNext();
    } else if (message.kind === 'pruned') {
      this.#prunings.shift()?.resolve(message.step);
    } else if (message.kind === 'probed') {
      this.#probes.shift()?.resolve(message.hasRoom);
    } else {
      this.#isOpen = true;
      this.#opened.resolve();
    }
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    for (const list of [this.#batches, this.#prunings, this.#probes, this.#asked, this.#questions])
      for (const waiting of list.splice(0)) waiting.reject(error);
    // Until the store is open, the failure is that of open() and nothing else.
    if (this.#isOpen) this.#failed(error);
    else this.#opened.reject(error);
  }
}

function unanswered({ code, sentence }: Extract<FromStore, { kind: 'unanswered' }>): Error {
  return code === undefined ? new Error(sentence) : new StoreError(code, sentence);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
