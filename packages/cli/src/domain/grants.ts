// SPDX-License-Identifier: Apache-2.0
import {
  AccountKind,
  parseAddress,
  parseDomain,
  parsePrecedence,
  precedenceName,
  precedenceNames,
} from '@sealpost/protocol';
import type { Address, Domain } from '@sealpost/protocol';
import { grantsMax, suggestion } from '@sealpost/server';
import type { Grant } from '@sealpost/server';
import { usageError } from '../failure.ts';

const kinds: readonly string[] = Object.values(AccountKind);

/** `flash`, `flash,device`, `flash,device,home.example`: a precedence, then whom it is granted to. */
export function parseGrants(texts: readonly string[]): Grant[] {
  if (texts.length > grantsMax)
    throw usageError(`A mailbox has at most ${grantsMax} grants; leave some out.`);
  return texts.map(parseGrant);
}

function parseGrant(text: string): Grant {
  const [name = '', ...whom] = text.split(',').map((part) => part.trim());
  const upTo = parsePrecedence(name);
  if (!upTo.ok)
    throw usageError(`--grant ${text}: there is no precedence ${name}${suggestion(name, precedenceNames)}`);
  let kind: AccountKind | undefined;
  let from: Address | Domain | undefined;
  for (const part of whom) {
    if (kinds.includes(part) && kind === undefined) kind = part as AccountKind;
    else from = senderFrom(part, text, from);
  }
  return {
    upTo: upTo.value,
    ...(kind === undefined ? {} : { kind }),
    ...(from === undefined ? {} : { from }),
  };
}

function senderFrom(part: string, text: string, before: Address | Domain | undefined): Address | Domain {
  const parsed = part.includes('@') ? parseAddress(part) : parseDomain(part);
  const isName = parsed.ok && (part.includes('@') || part.includes('.'));
  if (!isName || before !== undefined)
    throw usageError(
      `--grant ${text}: ${part} is no kind, address or domain here; write it as in flash,device,home.example.`,
    );
  return parsed.value;
}

export function formatGrant({ upTo, kind, from }: Grant): string {
  return [precedenceName(upTo), kind, from].filter((part) => part !== undefined).join(',');
}
