// SPDX-License-Identifier: Apache-2.0
// Everything that is parsed from text: addresses, topics, filters, user properties, labels, encodings.
import { isTopicFilter, isTopicName, topicMatches } from '@sealpost/mqtt';
import {
  actTopic,
  checkMailFilter,
  domainOf,
  evidenceTopic,
  formatAsk,
  formatAttempts,
  formatTrust,
  fromBase64Url,
  fromHex,
  inboxTopic,
  isCanonicalAddress,
  isContentType,
  isReason,
  isReserved,
  isSharedMail,
  isSubject,
  localPartBytesMax,
  localPartOf,
  messageIdBytes,
  messageIdFromBytes,
  parseAddress,
  parseAsk,
  parseAttempts,
  parseDomain,
  parseMailTopic,
  parseMessageId,
  parsePrecedence,
  parseTrust,
  precedenceName,
  readSubmission,
  relayTopic,
  toBase64Url,
  toHex,
  toTopic,
  utf8,
  type MailTopic,
} from '@sealpost/protocol';
import type { Random } from '../engine/random.ts';
import { holds, type Target } from '../target.ts';
import { bytesOf, vectorCases } from './vectors.ts';

export const text: Target = {
  name: 'text',
  invariant:
    'Refusals are values; what is parsed has one canonical text, which parses to the same; encodings are one to one; ' +
    'filters match as a plain reading of MQTT says.',
  inputBytesMax: 1500,
  hangMs: 1000,
  async open() {
    return { seeds, dictionary: words.map(bytesOf), vary, run };
  },
};

const words = [
  '@',
  '.',
  '..',
  '-',
  'xn--',
  '\u{301}',
  '\u{212a}',
  'İ',
  'ß',
  '\u{fe0f}',
  '\u{200d}',
  '\u{3164}',
  '𝄞',
  '~',
  '=',
  '/',
  '#',
  '+',
  '$share/',
  '$SYS',
  'mail/',
  'mail/to/',
  'mail/inbox/',
  'mail/evidence/',
  'mail/act/',
  'mail/relay/',
  'flash',
  'routine',
  'delivered',
  'fetched',
  'acknowledge',
  'sign-for',
  'message',
  'max=',
  'not-before=',
  'on-expiry=discard',
  'notify',
  ';',
  ',',
  'origin; anchor=static',
  'domain; anchor=dnssec',
  '; organisation=',
  '; contact=',
  'text/plain;charset=utf-8',
  '\0',
  '\u{2028}',
  '01a20b03-7b6b-7d4a-8e18-620a6ceca901',
  '0',
  '9007199254740993',
  '1e3',
  '__proto__',
  'constructor',
  'toString',
  '127.0.0.1',
];

/** The first byte says which parser reads the rest. */
const parsers: readonly ((text: string) => string)[] = [
  address,
  topic,
  filter,
  attempts,
  trust,
  ask,
  identifiers,
  base64Url,
  hex,
  submission,
  plainWords,
];

const samples: readonly (readonly [number, string])[] = [
  ...vectorCases('address').map(({ in: given }) => [0, String(given['text'])] as const),
  [1, 'mail/to/desk@fire.test/flash'],
  [1, 'mail/inbox/flash/kitchen-alarm@home.test'],
  [1, 'mail/evidence/01a20b03-7b6b-7d4a-8e18-620a6ceca901/delivered'],
  [1, 'mail/act/01a20b03-7b6b-7d4a-8e18-620a6ceca901/acknowledge'],
  [1, 'mail/relay/message'],
  [2, 'mail/inbox/+/#\nmail/inbox/flash/a@b'],
  [2, 'a/+/c/#\na/b/c'],
  [3, 'max=1;not-before=1764000000;on-expiry=discard'],
  [4, 'origin; anchor=static; organisation=a; contact=b-c'],
  [5, 'delivered,fetched'],
  [6, '01a20b03-7b6b-7d4a-8e18-620a6ceca901'],
  [7, 'AAECAwQ'],
  [8, '00ff'],
  [
    9,
    'precedence\nflash\nask\ndelivered\nattempts\nmax=1\nsubject\nHi\nid\n01a20b03-7b6b-7d4a-8e18-620a6ceca901',
  ],
  [10, 'flash'],
];
const seeds = samples.map(([parser, sample]) => Buffer.concat([Uint8Array.of(parser), bytesOf(sample)]));

function vary(_: Uint8Array, random: Random): Uint8Array {
  const pieces = Array.from({ length: random.between(1, 8) }, () =>
    random.chance(3) ? (random.pick(words) ?? '') : String.fromCharCode(random.between(0x20, 0x17f)),
  );
  return Buffer.concat([Uint8Array.of(random.below(parsers.length)), bytesOf(pieces.join(''))]);
}

function run(input: Uint8Array): string {
  const parser = parsers[(input[0] ?? 0) % parsers.length] ?? address;
  return `${parser.name} ${parser(Buffer.from(input.subarray(1)).toString('utf8'))}`;
}

function address(given: string): string {
  const parsed = parseAddress(given);
  holds(
    isCanonicalAddress(given) === (parsed.ok && parsed.value === given),
    'canonical is not what parsing leaves alone',
  );
  if (!parsed.ok) return String(parsed.refusal.cause);
  const canonical = parsed.value;
  const again = parseAddress(canonical);
  holds(again.ok && again.value === canonical, 'a canonical address is changed by parsing');
  holds(`${localPartOf(canonical)}@${domainOf(canonical)}` === canonical, 'parts of an address');
  holds(utf8(localPartOf(canonical)).length <= localPartBytesMax, 'local part too long');
  const domain = parseDomain(domainOf(canonical));
  holds(domain.ok && domain.value === domainOf(canonical), 'domain of an address');
  holds(canonical === canonical.toLowerCase() && canonical === canonical.normalize('NFC'), 'not canonical');
  holds(!/[\s/#+\p{C}]/u.test(canonical), 'an address that cannot stand in a topic');
  return canonical === given ? 'canonical' : 'canonicalised';
}

function topicOf(parsed: MailTopic): string {
  switch (parsed.kind) {
    case 'to': {
      const { address: to, precedence } = parsed;
      return precedence === undefined ? toTopic(to) : `${toTopic(to)}/${precedenceName(precedence)}`;
    }
    case 'inbox':
      return inboxTopic(parsed.lane, parsed.from);
    case 'evidence':
      return evidenceTopic(parsed.id, parsed.event);
    case 'act':
      return actTopic(parsed.id, parsed.action);
    case 'relay':
      return relayTopic(parsed.what);
  }
}

function topic(given: string): string {
  const parsed = parseMailTopic(given);
  if (!parsed.ok) return parsed.refusal.code;
  holds(isReserved(given) && isTopicName(given), 'a mail topic that is none');
  const canonical = topicOf(parsed.value);
  const again = parseMailTopic(canonical);
  holds(
    again.ok && JSON.stringify(again.value) === JSON.stringify(parsed.value),
    'a topic changes by parsing',
  );
  holds(topicOf(again.value) === canonical, 'a topic with two canonical forms');
  return parsed.value.kind;
}

/** Filter and topic on a line each. */
function filter(given: string): string {
  const [wanted = '', name = ''] = given.split('\n');
  const granted = checkMailFilter(wanted);
  if (granted.ok) holds(isTopicFilter(wanted) && isReserved(wanted), 'a granted filter that is none');
  if (isSharedMail(wanted)) holds(wanted.startsWith('$share/'), 'shared without a share');
  if (!isTopicFilter(wanted) || !isTopicName(name)) return `no filter or topic ${granted.ok}`;
  const matches = topicMatches(wanted, name);
  holds(
    matches === plainlyMatches(wanted.split('/'), name.split('/'), name),
    'a match that MQTT does not know',
  );
  return `${matches} ${granted.ok ? granted.value.kind : 'not granted'}`;
}

/** MQTT 5.0 §4.7, level by level. */
function plainlyMatches(levels: readonly string[], names: readonly string[], name: string): boolean {
  if (name.startsWith('$') && /^[#+]/.test(levels[0] ?? '')) return false;
  for (const [at, level] of levels.entries()) {
    if (level === '#') return true;
    if (at >= names.length || (level !== '+' && level !== names[at])) return false;
    if (at === names.length - 1 && levels[at + 1] === '#' && at + 2 === levels.length) return true;
  }
  return levels.length === names.length;
}

function attempts(given: string): string {
  const parsed = parseAttempts(given);
  if (!parsed.ok) return String(parsed.refusal.cause);
  const formatted = formatAttempts(parsed.value);
  if (formatted === '') return 'nothing';
  const again = parseAttempts(formatted);
  holds(again.ok && formatAttempts(again.value) === formatted, 'attempts change by formatting');
  return 'attempts';
}

function trust(given: string): string {
  const parsed = parseTrust(given);
  if (parsed.ok) holds(formatTrust(parsed.value) === given, 'a trust label with two forms');
  return String(parsed.ok);
}

function ask(given: string): string {
  const parsed = parseAsk(given);
  if (!parsed.ok) return parsed.refusal.code;
  const again = parseAsk(formatAsk(parsed.value));
  holds(again.ok && formatAsk(again.value) === formatAsk(parsed.value), 'ask changes by formatting');
  return 'ask';
}

function identifiers(given: string): string {
  const id = parseMessageId(given);
  if (!id.ok) return 'none';
  holds(messageIdFromBytes(messageIdBytes(id.value)) === given, 'an identifier with two forms');
  return 'identifier';
}

function base64Url(given: string): string {
  const bytes = fromBase64Url(given);
  if (bytes === undefined) return 'refused';
  holds(toBase64Url(bytes) === given, 'bytes with two texts');
  holds(Buffer.from(given, 'base64url').equals(bytes), 'Node reads other bytes');
  return 'base64url';
}

function hex(given: string): string {
  const bytes = fromHex(given);
  if (bytes !== undefined) holds(toHex(bytes) === given, 'bytes with two texts');
  return String(bytes !== undefined);
}

/** Names and values on lines of their own. */
function submission(given: string): string {
  const lines = given.split('\n');
  const properties = lines.flatMap((name, at) =>
    at % 2 === 0 ? [[name, lines[at + 1] ?? ''] as const] : [],
  );
  const read = readSubmission(properties);
  if (!read.ok) return read.refusal.code;
  holds(Object.getPrototypeOf(read.value) === Object.prototype, 'a property became a prototype');
  return Object.keys(read.value).toSorted().join('+');
}

function plainWords(given: string): string {
  const precedence = parsePrecedence(given);
  if (precedence.ok) holds(precedenceName(precedence.value) === given, 'a precedence with two names');
  if (isSubject(given)) holds(!/[\r\n\0]/.test(given) && utf8(given).length <= 256, 'subject');
  if (isContentType(given)) holds(/^[\x20-\x7e]+$/.test(given), 'content type');
  if (isReason(given)) holds(/^[a-z0-9-]+$/.test(given), 'reason');
  return `${precedence.ok} ${isSubject(given)} ${isContentType(given)} ${isReason(given)}`;
}
