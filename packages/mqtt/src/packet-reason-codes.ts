// SPDX-License-Identifier: Apache-2.0
import { failureFrom, ReasonCode } from './reason-code.ts';

const ofPublish = codes(0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99);
const ofRelease = codes(0x00, 0x92);
/** PUBACK, PUBREC, PUBREL, PUBCOMP: §3.4.2.1, §3.5.2.1, §3.6.2.1, §3.7.2.1. */
const fromEither = { puback: ofPublish, pubrec: ofPublish, pubrel: ofRelease, pubcomp: ofRelease };
/** Of DISCONNECT. */
const endsFromEither = [
  0x00, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
] as const;

/** The reason codes of each packet of MQTT 5.0, by who sends it. Names: `ReasonCode`. */
const reasonCodes = {
  client: {
    ...fromEither,
    /** §3.14.2.1. */
    disconnect: codes(0x04, ...endsFromEither),
    /** §3.15.2.1. */
    auth: codes(0x18, 0x19),
  },
  server: {
    ...fromEither,
    /** §3.2.2.2. */
    // prettier-ignore
    connack: codes(
      0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c,
      0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
    ),
    /** §3.9.3. */
    suback: codes(0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2),
    /** §3.11.3. */
    unsuback: codes(0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91),
    /** §3.14.2.1, and 0x8C, which only §2.4 gives to DISCONNECT. */
    // prettier-ignore
    disconnect: codes(
      ...endsFromEither, 0x87, 0x89, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f,
      0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
    ),
    /** §3.15.2.1. */
    auth: codes(0x00, 0x18),
  },
} as const;

function codes(...list: number[]): ReadonlySet<number> {
  return new Set(list);
}

export type Sender = keyof typeof reasonCodes;
export type PacketWithReason = keyof (typeof reasonCodes)['server'];

export function isReasonCodeOf(type: PacketWithReason, reasonCode: number, sender: Sender): boolean {
  const own: Partial<Record<PacketWithReason, ReadonlySet<number>>> = reasonCodes[sender];
  return own[type]?.has(reasonCode) === true;
}

/** What an application refuses with, as the packet can say it; always a failure. */
export function refusalCode(type: 'connack' | 'disconnect', reasonCode: number): number {
  if (reasonCode >= failureFrom && isReasonCodeOf(type, reasonCode, 'server')) return reasonCode;
  // Said of a sign-in, and of one that is repeated on an open connection: §2.4 has them for CONNACK only.
  if (reasonCode === ReasonCode.badUserNameOrPassword || reasonCode === ReasonCode.banned)
    return ReasonCode.notAuthorized;
  return ReasonCode.unspecifiedError;
}
