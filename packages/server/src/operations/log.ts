// SPDX-License-Identifier: Apache-2.0
import { pino, type Logger } from 'pino';

export interface LogSettings {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly format: 'text' | 'json';
}

/** What a line is about, for whoever searches; no addresses of accounts, no content, no secrets. */
export type Fields = Readonly<Record<string, unknown>> & { readonly event: string };

/** The lines of a running domain; a reload changes how many, and in which form. */
export class Log {
  readonly #logger: Logger;
  #format: LogSettings['format'];

  /** `write` is given one line without its end. */
  constructor({ level, format }: LogSettings, write: (line: string) => void) {
    this.#format = format;
    this.#logger = pino(
      {
        level,
        base: null,
        messageKey: 'sentence',
        timestamp: () => `,"time":"${new Date().toISOString()}"`,
        formatters: { level: (label) => ({ level: label }) },
      },
      { write: (line: string) => write(this.#format === 'json' ? line.trimEnd() : textOf(line)) },
    );
  }

  use({ level, format }: LogSettings): void {
    this.#logger.level = level;
    this.#format = format;
  }

  get isDebug(): boolean {
    return this.#logger.isLevelEnabled('debug');
  }

  error(sentence: string, fields: Fields): void {
    this.#logger.error(fields, sentence);
  }

  warn(sentence: string, fields: Fields): void {
    this.#logger.warn(fields, sentence);
  }

  info(sentence: string, fields: Fields): void {
    this.#logger.info(fields, sentence);
  }

  debug(sentence: string, fields: Fields): void {
    this.#logger.debug(fields, sentence);
  }
}

/** The same line for people: nothing in it can move the cursor or begin another line. */
function textOf(line: string): string {
  const { level, time, sentence, event: _event, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const more = Object.entries(fields).map(([name, value]) => ` ${name}=${shown(value)}`);
  return printable(`${shown(time)} ${shown(level)}: ${shown(sentence)}${more.join('')}`);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}
