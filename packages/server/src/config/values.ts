// SPDX-License-Identifier: Apache-2.0
// Kinds of values a key may have. Each says in its message what would be right.
import { isIP } from 'node:net';
import { isLoopbackHost } from '@sealpost/mqtt/node';
import { parseDomain, type Domain } from '@sealpost/protocol';
import { z } from 'zod';

export interface Place {
  readonly host: string;
  readonly port: number;
}

const portMax = 65_535;

/** `host:port`; an IPv6 address stands in brackets. */
export function parsePlace(text: string): Place | undefined {
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]+)\]|([^:[\]\s]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || digits === '' || port > portMax) return undefined;
  if (bracketed !== undefined && isIP(bracketed) !== 6) return undefined;
  return { host, port };
}

export function formatPlace({ host, port }: Place): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export const domainName = z
  .string('is missing or no text; name the domain, as in "home.example"')
  .transform((text, context): Domain => {
    const parsed = parseDomain(text);
    if (parsed.ok && parsed.value === text) return parsed.value;
    const canonical = text.trim().toLowerCase().replace(/\.+$/, '');
    const better = parseDomain(canonical);
    const message = better.ok
      ? `is "${text}", which is not how domains are written here; write "${better.value}"`
      : `is "${text}", which is not a domain; write lower-case labels of a-z, 0-9 and -, as in "home.example"`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

const placeForm = 'write "host:port", as in "127.0.0.1:1883" or "[::]:8883"';

function placeWhere(
  isFit: (place: Place) => boolean,
  otherwise: (place: Place) => string,
): z.ZodType<Place, string> {
  return z.string(`is no text; ${placeForm}`).transform((text, context): Place => {
    const place = parsePlace(text);
    if (place !== undefined && isFit(place)) return place;
    const message =
      place === undefined ? `is "${text}", which is not a place; ${placeForm}` : otherwise(place);
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

export const listeningPlace = placeWhere(
  () => true,
  () => '',
);

export const loopbackPlace = placeWhere(
  ({ host }) => isLoopbackHost(host),
  ({ host, port }) =>
    `is on ${host}, which others can reach, and nothing is encrypted there; write "127.0.0.1:${port}", and offer mqtts to others`,
);

export const remotePlace = placeWhere(
  ({ port }) => port > 0,
  ({ host }) => `has port 0, which cannot be dialled; write the port that listens, as in "${host}:8884"`,
);

export const text = (what: string): z.ZodString =>
  z.string(`is no text; write ${what}`).min(1, `is empty; write ${what}`);

/** As a browser names it in `Origin`: no path, no slash at the end. */
export const origins = z
  .string('must be text: origins such as "https://mail.example", with spaces between')
  .refine((text) => originsIn(text).every((one) => URL.canParse(one) && new URL(one).origin === one), {
    message: 'must be origins such as "https://mail.example", with spaces between, without a path',
  });

export function originsIn(text: string): string[] {
  return text.split(/\s+/).filter((one) => one !== '');
}

export const wholeNumber = (least: number, most: number): z.ZodNumber => {
  const message = `must be a whole number from ${least} to ${most}`;
  return z.int(message).min(least, message).max(most, message);
};

export const oneOf = <const T extends readonly [string, ...string[]]>(
  choices: T,
): z.ZodEnum<{ [K in T[number]]: K }> =>
  z.enum(choices, { error: () => `must be one of ${choices.map((choice) => `"${choice}"`).join(', ')}` });

const hashForm = 'write "sha256:" and 64 hexadecimal digits, as `sealpost init` printed it';

/** SHA-256 of the SubjectPublicKeyInfo of a domain's authority. */
export const keyHash = z.string(`is no text; ${hashForm}`).transform((value, context): Uint8Array => {
  const [, digits] = /^sha256:([0-9a-f]*)$/i.exec(value) ?? [];
  if (digits?.length === 64) return new Uint8Array(Buffer.from(digits, 'hex'));
  const message =
    digits === undefined
      ? `is "${value}", which is not a key hash; ${hashForm}`
      : `has ${digits.length} digits after "sha256:" instead of 64; copy the whole of it`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

export function formatKeyHash(hash: Uint8Array): string {
  return `sha256:${Buffer.from(hash).toString('hex')}`;
}
