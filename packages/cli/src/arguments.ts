// SPDX-License-Identifier: Apache-2.0
// Readers of option values: commander turns what they throw into a usage error that names the option.
import { eventWord, parseEventWord } from '@sealpost/protocol';
import type { EventWord } from '@sealpost/protocol';
import { InvalidArgumentError } from 'commander';
import { parseDuration } from './duration.ts';

export function duration(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new InvalidArgumentError('Give a duration such as 90s, 2m, 1h30m or 7d.');
  return seconds;
}

export function eventWords(text: string): EventWord[] {
  return text.split(',').map((word) => {
    const event = parseEventWord(word.trim());
    if (!event.ok) throw new InvalidArgumentError(`There is no event '${word}'.`);
    return eventWord(event.value);
  });
}

export function count(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new InvalidArgumentError('Give a whole number above 0.');
  return Number(text);
}

export function portBase(text: string): number {
  const port = count(text);
  if (port > 65_000) throw new InvalidArgumentError('Give a port between 1 and 65000.');
  return port;
}
