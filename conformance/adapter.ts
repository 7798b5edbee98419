// SPDX-License-Identifier: Apache-2.0
// The conformance adapter: one JSON request per line of stdin, one JSON answer per line of stdout, in any order.
// It ends when stdin has ended and every answer is written.
import { createInterface } from 'node:readline';
import type { ErrorCode } from '@sealpost/protocol';
import { perform } from './operations.ts';

interface Answer {
  readonly id: unknown;
  readonly ok: boolean;
  readonly out?: unknown;
  readonly error?: ErrorCode;
}

async function answer(line: string): Promise<Answer> {
  const request = parse(line);
  if (request === undefined) return { id: null, ok: false, error: 'request-invalid' };
  const { id = null, op, in: input } = request;
  if (typeof op !== 'string') return { id, ok: false, error: 'request-invalid' };
  try {
    const result = await perform(op, input);
    return result.ok ? { id, ok: true, out: result.value } : { id, ok: false, error: result.refusal.code };
  } catch (error) {
    // A bug of ours must not silence the answers that are still to come.
    console.error(error);
    return { id, ok: false, error: 'request-invalid' };
  }
}

function parse(line: string): { id?: unknown; op?: unknown; in?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

async function respond(line: string): Promise<void> {
  process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
}

// Nobody reads any more: there is nothing left to answer.
process.stdout.on('error', () => process.exit(1));

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  if (line.trim() !== '') await respond(line);
}
