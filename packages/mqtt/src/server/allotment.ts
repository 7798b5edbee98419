// SPDX-License-Identifier: Apache-2.0

/** A bound over all accounts, and a smaller one for each, so that none uses up what is there for all. */
export class Allotment {
  readonly #max: number;
  readonly #perAccountMax: number;
  readonly #taken = new Map<string, number>();
  #total = 0;

  constructor(max: number, perAccountMax: number) {
    this.#max = max;
    this.#perAccountMax = perAccountMax;
  }

  get total(): number {
    return this.#total;
  }

  of(account: string): number {
    return this.#taken.get(account) ?? 0;
  }

  /** Whether the account may take so many more. */
  fits(account: string, amount: number): boolean {
    return this.#total + amount <= this.#max && this.of(account) + amount <= this.#perAccountMax;
  }

  take(account: string, amount: number): void {
    this.#total += amount;
    this.#taken.set(account, this.of(account) + amount);
  }

  giveBack(account: string, amount: number): void {
    this.#total -= amount;
    const left = this.of(account) - amount;
    if (left > 0) this.#taken.set(account, left);
    else this.#taken.delete(account);
  }
}
