// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';

export interface ConfigOptions {
  readonly config?: string;
  /** `key=value`. */
  readonly set?: readonly string[];
}

export function withConfigOptions(command: Command): Command {
  return command
    .option(
      '--config <file>',
      'configuration; SEALPOST_CONFIG, ./sealpost.toml or /etc/sealpost/sealpost.toml otherwise',
    )
    .option('--set <key=value>', 'a key that is different this time; may be repeated', collect);
}

export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
