// SPDX-License-Identifier: Apache-2.0
// How long a message lives, and how often it may be offered to the recipient's client. Times are Unix seconds.
import { accept, refuse } from './result.ts';
import type { Result } from './result.ts';

export const lifetimeDefaultSeconds = 7 * 86_400;
export const lifetimeMaxSeconds = 30 * 86_400;
/** How far ahead of this clock a seal's `iat` may be. */
export const clockSkewSeconds = 300;
export const attemptsMax = 1000;

/** [MSG-9] An attempt is one offer to the recipient's client; failed links and an absent recipient do not count. */
export interface Attempts {
  /** 1 to 1000. */
  readonly max?: number;
  /** Not offered before this time. */
  readonly notBefore?: number;
  /** `discard`: the sender asked for silence when the message lapses. */
  readonly onExpiry?: 'notify' | 'discard';
}

export function remainingSeconds(expires: number, now: number): number {
  return Math.max(0, Math.floor(expires - now));
}

const positiveInteger = /^[1-9][0-9]{0,15}$/;

/** [TOPIC-9] The text of the property `attempts`: `max=1;not-before=1764000000;on-expiry=discard`, each once, in any order. */
export function parseAttempts(text: string): Result<Attempts> {
  const fields = new Map<string, string>();
  for (const field of text.split(';')) {
    const [name = '', value, ...more] = field.split('=');
    if (value === undefined || more.length > 0 || fields.has(name)) {
      return refuse('property-invalid', 'attempts: not name=value once');
    }
    fields.set(name, value);
  }
  const max = fields.get('max');
  const notBefore = fields.get('not-before');
  const onExpiry = fields.get('on-expiry');
  const known = [max, notBefore, onExpiry].filter((value) => value !== undefined).length;
  if (known !== fields.size) return refuse('property-invalid', 'attempts: unknown name');
  if (!validMax(max) || !validTime(notBefore) || !validOnExpiry(onExpiry)) {
    return refuse('property-invalid', 'attempts: value');
  }
  return accept({
    ...(max !== undefined && { max: Number(max) }),
    ...(notBefore !== undefined && { notBefore: Number(notBefore) }),
    ...(onExpiry === 'discard' && { onExpiry }),
  });
}

export function formatAttempts({ max, notBefore, onExpiry }: Attempts): string {
  const fields: string[] = [];
  if (max !== undefined) fields.push(`max=${max}`);
  if (notBefore !== undefined) fields.push(`not-before=${notBefore}`);
  if (onExpiry === 'discard') fields.push('on-expiry=discard');
  return fields.join(';');
}

/** `notify` is the default and says nothing. */
export function saysNothing({ max, notBefore, onExpiry }: Attempts): boolean {
  return max === undefined && notBefore === undefined && onExpiry !== 'discard';
}

function validMax(text: string | undefined): boolean {
  return text === undefined || (positiveInteger.test(text) && Number(text) <= attemptsMax);
}

function validTime(text: string | undefined): boolean {
  return text === undefined || (positiveInteger.test(text) && Number.isSafeInteger(Number(text)));
}

function validOnExpiry(text: string | undefined): text is Attempts['onExpiry'] {
  return text === undefined || text === 'notify' || text === 'discard';
}
