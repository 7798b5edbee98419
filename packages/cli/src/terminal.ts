// SPDX-License-Identifier: Apache-2.0
import { styleText } from 'node:util';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Where a command writes: data to `out`, talk to `talk`. Injected, so that tests read what was written. */
export interface Terminal {
  out(text: string): void;
  talk(text: string): void;
  /** Colour where a person is looking and did not forbid it (https://no-color.org). */
  style(style: Style, text: string): string;
}

export function processTerminal(env: NodeJS.ProcessEnv = process.env): Terminal {
  const hasColour = process.stdout.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return {
    out: (text) => void process.stdout.write(`${text}\n`),
    talk: (text) => void process.stderr.write(`${text}\n`),
    style: (style, text) => (hasColour ? styleText(style, text, { validateStream: false }) : text),
  };
}

/**
 * Text from elsewhere as it may go to a terminal: on one line, without control characters, so that a message cannot
 * move the cursor, hide a label or overwrite what is shown about it. Joiners stay: scripts and emoji need them.
 */
export function printable(text: string): string {
  return text.replace(/(?:(?![\u200C\u200D])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}])+/gu, ' ').trim();
}
