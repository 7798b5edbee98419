// SPDX-License-Identifier: Apache-2.0

/**
 * Values that arrive by call and leave by iteration, for one consumer. It holds at most `limit` values: `push`
 * answers false for one more, and whoever pushes must then refuse it, never drop it silently.
 */
export class AsyncQueue<T> implements AsyncIterableIterator<T, undefined> {
  readonly #limit: number;
  readonly #values: T[] = [];
  #waiting: { resolve(result: IteratorResult<T, undefined>): void; reject(error: Error): void } | undefined;
  #end: { error?: Error } | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#values.length;
  }

  push(value: T): boolean {
    if (this.#end !== undefined) return false;
    if (this.#waiting !== undefined) {
      const { resolve } = this.#waiting;
      this.#waiting = undefined;
      resolve({ done: false, value });
      return true;
    }
    if (this.#values.length >= this.#limit) return false;
    this.#values.push(value);
    return true;
  }

  /** Nothing more comes. What is queued is still handed out; then iteration ends, or throws `error`. */
  end(error?: Error): void {
    if (this.#end !== undefined) return;
    this.#end = error === undefined ? {} : { error };
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) return;
    if (error === undefined) waiting.resolve({ done: true, value: undefined });
    else waiting.reject(error);
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const value = this.#values.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#end !== undefined) return this.#finish(this.#end);
    if (this.#waiting !== undefined) return Promise.reject(new TypeError('this queue has one consumer'));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** Called by `for await` when the loop is left early; what is queued then is the owner's, see `drain`. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** What nobody will read any more. */
  drain(): T[] {
    return this.#values.splice(0);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** An end with an error is told once; whoever asks again hears a plain end. */
  #finish(end: { error?: Error }): Promise<IteratorResult<T, undefined>> {
    if (end.error === undefined) return Promise.resolve({ done: true, value: undefined });
    this.#end = {};
    return Promise.reject(end.error);
  }
}
