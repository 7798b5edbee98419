// SPDX-License-Identifier: Apache-2.0

/** One thing that is wrong with a configuration: a sentence that names the place, the key and the fix. */
export interface Problem {
  /** As an operator names it: `listen.mqtts`. Absent when the file as a whole cannot be used. */
  readonly key?: string;
  readonly sentence: string;
  /** Absent: the text of the configuration. */
  readonly kind?: 'missing' | 'permission';
}

/** The configuration cannot be used; at least one problem. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ sentence }) => sentence).join('\n'));
    this.problems = problems;
  }
}
