// SPDX-License-Identifier: Apache-2.0
import type { z } from 'zod';
import { schema } from './schema.ts';

/** One key that has a value of its own, by its dotted name; `peer.domain` stands for that key of every peer. */
export interface Key {
  readonly name: string;
  readonly description: string;
  readonly default: unknown;
  readonly isRequired: boolean;
  /** How a text from the environment or the command line becomes a value. */
  readonly form: 'text' | 'number' | 'list';
  /** In an array of tables, which only the file can have. */
  readonly isRepeated: boolean;
}

export const keys: readonly Key[] = keysOf(schema, '', false);
export const keyNames: readonly string[] = keys
  .filter(({ isRepeated }) => !isRepeated)
  .map(({ name }) => name);

/** The names that may stand in this table; undefined where there is no table. */
export function namesIn(path: readonly PropertyKey[]): readonly string[] {
  const prefix = path
    .filter((part) => typeof part === 'string')
    .map((part) => `${part}.`)
    .join('');
  const inside = keys.filter(({ name }) => name.startsWith(prefix));
  return [...new Set(inside.map(({ name }) => name.slice(prefix.length).split('.')[0] ?? ''))];
}

interface Unwrapped {
  readonly type: z.core.$ZodType;
  readonly isOptional: boolean;
  readonly default: unknown;
}

function keysOf(object: z.core.$ZodType, prefix: string, isRepeated: boolean): Key[] {
  const { shape } = (object as z.ZodObject).def;
  return Object.entries(shape).flatMap(([name, declared]) => {
    const { type, isOptional, default: fallback } = unwrap(declared);
    const path = prefix + name;
    if (type._zod.def.type === 'object') return keysOf(type, `${path}.`, isRepeated);
    if (type._zod.def.type === 'array') {
      const element = unwrap((type as z.ZodArray).element).type;
      if (element._zod.def.type === 'object') return keysOf(element, `${path}.`, true);
    }
    return [
      {
        name: path,
        description: (declared as z.ZodType).description ?? '',
        default: fallback,
        isRequired: !isOptional,
        form: formOf(type),
        isRepeated,
      },
    ];
  });
}

function unwrap(declared: z.core.$ZodType): Unwrapped {
  let type = declared;
  let isOptional = false;
  let fallback: unknown;
  for (;;) {
    const def = type._zod.def as { type: string; innerType?: z.core.$ZodType; defaultValue?: unknown };
    if (!['optional', 'default', 'prefault'].includes(def.type) || def.innerType === undefined)
      return { type, isOptional, default: fallback };
    isOptional = true;
    if (def.type === 'default') fallback = def.defaultValue;
    type = def.innerType;
  }
}

function formOf(type: z.core.$ZodType): Key['form'] {
  switch (type._zod.def.type) {
    case 'array':
      return 'list';
    case 'number':
    case 'int':
      return 'number';
    default:
      return 'text';
  }
}
