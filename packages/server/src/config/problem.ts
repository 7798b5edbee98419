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
    // What is quoted from a file or a flag stays on its line, and draws nothing on a terminal.
    const plain = problems.map((one) => ({
      ...one,
      sentence: one.sentence.replaceAll(/\p{Cc}/gu, '\u{fffd}'),
    }));
    super(plain.map(({ sentence }) => sentence).join('\n'));
    this.problems = plain;
  }
}
