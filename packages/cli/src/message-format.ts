// SPDX-License-Identifier: Apache-2.0
import type { Message } from '@sealpost/client';
import { describeError, precedenceName, toBase64Url } from '@sealpost/protocol';
import { isoTime } from './evidence-format.ts';
import { formatTable } from './table.ts';
import { printable } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/** A message as scripts get it. What is not sealed and verified is absent, never guessed. */
export interface MessageJson {
  readonly id: string;
  readonly from: string;
  readonly lane: string;
  readonly verified: boolean;
  readonly error?: string;
  readonly seal?: string;
  readonly senderKind?: string;
  readonly anchor?: string;
  readonly precedence?: string;
  readonly issuedAt?: string;
  readonly expires?: string;
  readonly subject?: string;
  readonly contentType?: string;
  readonly text?: string;
  /** Base64url, when the body is not text. */
  readonly body?: string;
}

export function messageJson(message: Message): MessageJson {
  const { id, from, lane, verified, claims, contentType, text, body } = message;
  const proved = verified.ok
    ? {
        seal: verified.value.sealClass,
        senderKind: verified.value.senderKind,
        anchor: verified.value.anchorProof,
      }
    : { error: verified.refusal.code };
  const claimed =
    claims === undefined
      ? {}
      : {
          precedence: precedenceName(claims.precedence),
          issuedAt: isoTime(claims.issuedAt),
          expires: isoTime(claims.expires),
          ...(claims.subject === undefined ? {} : { subject: claims.subject }),
        };
  return {
    id,
    from,
    lane: precedenceName(lane),
    verified: verified.ok,
    ...proved,
    ...claimed,
    ...(contentType === undefined ? {} : { contentType }),
    ...(text === undefined ? { body: toBase64Url(body) } : { text }),
  };
}

const previewCharacters = 60;

/** What `inbox` lists, two lines a message: an id and a trust label do not fit beside each other on most screens. */
export function inboxLines(terminal: Terminal, messages: readonly Message[]): string[] {
  const heads = messages.map((message) => [
    laneLabel(terminal, message.lane),
    message.from,
    trustLabel(terminal, message),
  ]);
  return formatTable(heads).flatMap((head, index) => {
    const message = messages[index];
    return message === undefined
      ? [head]
      : [head, `  ${terminal.style('dim', message.id)}  ${preview(message)}`.trimEnd()];
  });
}

/** A message in full, as `watch` shows it. The lines before the subject are ours and none of the sender's. */
export function messageLines(terminal: Terminal, message: Message): string[] {
  const { id, from, lane, subject, text, body, contentType } = message;
  const head = [laneLabel(terminal, lane), terminal.style('bold', from), trustLabel(terminal, message)];
  const shown =
    text === undefined
      ? [`(${body.length} bytes of ${printable(contentType ?? 'unknown type')})`]
      : text.split(/\r\n|[\n\r\u2028\u2029]/).map(printable);
  return [
    head.join('  '),
    terminal.style('dim', `  message ${id}`),
    ...(subject === undefined ? [] : [`  ${terminal.style('bold', printable(subject))}`]),
    ...shown.map((line) => `  ${line}`.trimEnd()),
  ];
}

function laneLabel(terminal: Terminal, lane: Message['lane']): string {
  const name = precedenceName(lane);
  if (lane >= 4) return terminal.style('red', name);
  return lane >= 2 ? terminal.style('yellow', name) : name;
}

/** Never the same words for what the sender sealed and what its domain vouches for. */
function trustLabel(terminal: Terminal, { verified }: Message): string {
  if (!verified.ok) {
    const { code } = verified.refusal;
    return terminal.style('red', `NOT VERIFIED [${code}] ${describeError(code).sentence}`);
  }
  const { sealClass, senderKind, anchorProof } = verified.value;
  const who = sealClass === 'origin' ? "sender's own seal" : 'sealed by its domain';
  return terminal.style('green', `${who}, ${senderKind}, ${anchorProof} anchor`);
}

function preview({ subject, text, body }: Message): string {
  const line = printable(subject ?? text ?? `(${body.length} bytes)`);
  const characters = Array.from(line);
  return characters.length <= previewCharacters
    ? line
    : `${characters.slice(0, previewCharacters - 1).join('')}…`;
}
