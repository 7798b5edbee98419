// SPDX-License-Identifier: Apache-2.0
import { styleText } from 'node:util';
import type { Terminal } from '../src/terminal.ts';

export interface RecordingTerminal extends Terminal {
  readonly written: string[];
  readonly said: string[];
}

/** A terminal that keeps what was written, with or without colour. */
export function recordingTerminal({ colour = false } = {}): RecordingTerminal {
  const written: string[] = [];
  const said: string[] = [];
  return {
    written,
    said,
    out: (text) => void written.push(text),
    talk: (text) => void said.push(text),
    style: (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text),
  };
}
