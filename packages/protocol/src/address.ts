// SPDX-License-Identifier: Apache-2.0
// Addresses, spec/address.md. Everything past the edge carries the canonical form and compares it byte for byte.
import { utf8 } from './bytes.ts';
import { accept, refuse } from './result.ts';
import type { Result } from './result.ts';

declare const domainBrand: unique symbol;
declare const addressBrand: unique symbol;

/** A canonical domain: lower-case A-labels. */
export type Domain = string & { readonly [domainBrand]: true };
/** A canonical `local@domain`. */
export type Address = string & { readonly [addressBrand]: true };

export const localPartBytesMax = 64;
export const domainCharactersMax = 253;
// No canonical address is longer; what is far longer is refused before it is normalised.
const textCharactersMax = 1024;

// [ADDR-2] [ADDR-5] RFC 5321 dot-string over letters, marks, digits and - = ~ _; an atom never begins with a mark.
const dotString = /^(?!\p{M})[\p{L}\p{M}\p{Nd}_=~-]+(?:\.(?!\p{M})[\p{L}\p{M}\p{Nd}_=~-]+)*$/u;
// [ADDR-6] Code points that show nothing (variation selectors, fillers) would make two addresses look like one.
const invisible = /\p{Default_Ignorable_Code_Point}/u;
// Tested before lower-casing, so that no other letter folds into ASCII (U+212A KELVIN SIGN).
const domainLabel = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
// What most addresses are, and what needs no normalisation: a canonical ASCII address whose top level begins with a letter.
const plainAddress =
  /^[a-z0-9_=~-]+(?:\.[a-z0-9_=~-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const digitsOnly = /^[0-9]+$/;

/** Canonicalises: the local part to NFC lower case, the domain to lower case. */
export function parseAddress(text: string): Result<Address> {
  // [ADDR-1] One `@`; neither side can contain one.
  const at = text.indexOf('@');
  if (at < 1 || text.length > textCharactersMax)
    return refuse('address-invalid', 'no local part or too long');
  const local = canonicalLocalPart(text.slice(0, at));
  if (local === undefined) return refuse('address-invalid', 'local part');
  const domain = parseDomain(text.slice(at + 1));
  if (!domain.ok) return domain;
  return accept(`${local}@${domain.value}` as Address);
}

function canonicalLocalPart(text: string): string | undefined {
  // [ADDR-3] Lower-casing can undo the normal form, so it is applied once more.
  const local = text.normalize('NFC').toLowerCase().normalize('NFC');
  if (!dotString.test(local) || invisible.test(local)) return undefined;
  // [ADDR-4] Octets of the canonical form count.
  return utf8(local).length <= localPartBytesMax ? local : undefined;
}

/** [ADDR-7] A-labels only: a domain in another script is converted (IDNA) before it comes here. */
export function parseDomain(text: string): Result<Domain> {
  if (text.length > domainCharactersMax) return refuse('address-invalid', 'domain too long');
  const labels = text.split('.');
  if (!labels.every((label) => domainLabel.test(label))) return refuse('address-invalid', 'domain label');
  // [ADDR-8] Otherwise an IPv4 address would be a domain.
  if (digitsOnly.test(labels.at(-1) ?? '')) return refuse('address-invalid', 'numeric top level');
  return accept(text.toLowerCase() as Domain);
}

/** [ADDR-9] True for exactly the texts that `parseAddress` returns unchanged. */
export function isCanonicalAddress(text: string): text is Address {
  const at = text.indexOf('@');
  if (at <= localPartBytesMax && plainAddress.test(text) && text.length - at - 1 <= domainCharactersMax)
    return true;
  const parsed = parseAddress(text);
  return parsed.ok && parsed.value === text;
}

export function domainOf(address: Address): Domain {
  return address.slice(address.lastIndexOf('@') + 1) as Domain;
}

export function localPartOf(address: Address): string {
  return address.slice(0, address.lastIndexOf('@'));
}
