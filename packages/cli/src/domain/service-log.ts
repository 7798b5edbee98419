// SPDX-License-Identifier: Apache-2.0
import type { ServiceLog } from '@sealpost/server';
import type { Terminal } from '../terminal.ts';

export interface LogSettings {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly format: 'text' | 'json';
}

const levels = ['error', 'warn', 'info', 'debug'] as const;

/** What a running domain has to say, to standard error; a reload changes how much of it, and in which form. */
export class TerminalLog implements ServiceLog {
  readonly #terminal: Terminal;
  #settings: LogSettings;

  constructor(terminal: Terminal, settings: LogSettings) {
    this.#terminal = terminal;
    this.#settings = settings;
  }

  use(settings: LogSettings): void {
    this.#settings = settings;
  }

  error(sentence: string): void {
    this.#line('error', sentence);
  }

  warn(sentence: string): void {
    this.#line('warn', sentence);
  }

  info(sentence: string): void {
    this.#line('info', sentence);
  }

  #line(level: LogSettings['level'], sentence: string): void {
    const { level: most, format } = this.#settings;
    if (levels.indexOf(level) > levels.indexOf(most)) return;
    const time = new Date().toISOString();
    this.#terminal.talk(
      format === 'json' ? JSON.stringify({ time, level, sentence }) : `${time} ${level}: ${sentence}`,
    );
  }
}
