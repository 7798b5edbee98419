// SPDX-License-Identifier: Apache-2.0
// Precedence, [MSG-7]: the names and numbers of RFC 6710.
import { accept, refuse } from './result.ts';
import type { Result } from './result.ts';

export const Precedence = {
  deferred: -4,
  routine: -2,
  priority: 0,
  immediate: 2,
  flash: 4,
  override: 6,
} as const;
export type PrecedenceName = keyof typeof Precedence;
export type Precedence = (typeof Precedence)[PrecedenceName];
/** The precedence a message is queued at by one hop; never above the claimed one. */
export type Lane = Precedence;

export const precedenceNames = Object.keys(Precedence) as readonly PrecedenceName[];
const nameByValue = new Map<number, PrecedenceName>(precedenceNames.map((name) => [Precedence[name], name]));

export function parsePrecedence(name: string): Result<Precedence> {
  return Object.hasOwn(Precedence, name)
    ? accept(Precedence[name as PrecedenceName])
    : refuse('precedence-invalid');
}

export function isPrecedence(value: unknown): value is Precedence {
  return typeof value === 'number' && nameByValue.has(value);
}

export function precedenceName(precedence: Precedence): PrecedenceName {
  const name = nameByValue.get(precedence);
  if (name === undefined) throw new TypeError('not a precedence');
  return name;
}

/** Immediate and above: never delayed for fairness. */
export function isUrgent(precedence: Precedence): boolean {
  return precedence >= Precedence.immediate;
}

/** The lane is the lowest of the claim and every ceiling on the way. */
export function lowest(first: Precedence, ...rest: readonly Precedence[]): Precedence {
  return rest.reduce<Precedence>((least, next) => (next < least ? next : least), first);
}
