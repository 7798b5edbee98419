// SPDX-License-Identifier: Apache-2.0
// [ID-8] [ID-9] What a leaf may be used for follows from its key purposes alone, and they are one of seven exact sets.
import { AccountKind, CertificateRole } from '@sealpost/protocol';
import { Oid } from './oids.ts';

export interface LeafRole {
  readonly role: CertificateRole;
  /** Accounts only. */
  readonly kind?: AccountKind;
}

interface RoleRow extends LeafRole {
  readonly purposes: readonly string[];
}

function account(kind: AccountKind): RoleRow {
  return {
    role: CertificateRole.account,
    kind,
    purposes: [Oid.clientAuth, Oid.emailProtection, Oid[kind]],
  };
}

const rows: readonly RoleRow[] = [
  account(AccountKind.person),
  account(AccountKind.role),
  account(AccountKind.organisation),
  account(AccountKind.device),
  account(AccountKind.channel),
  { role: CertificateRole.domainSeal, purposes: [Oid.domainSeal] },
  { role: CertificateRole.domainLink, purposes: [Oid.serverAuth, Oid.clientAuth, Oid.domainLink] },
];

/** Undefined unless the purposes are exactly those of one role, in any order. */
export function roleOf(purposes: readonly string[]): LeafRole | undefined {
  const row = rows.find(
    (row) =>
      row.purposes.length === purposes.length && row.purposes.every((purpose) => purposes.includes(purpose)),
  );
  if (row === undefined) return undefined;
  return row.kind === undefined ? { role: row.role } : { role: row.role, kind: row.kind };
}

export function purposesOf({ role, kind }: LeafRole): readonly string[] {
  const row = rows.find((row) => row.role === role && row.kind === kind);
  if (row === undefined) throw new TypeError(`no leaf has the role ${role} and the kind ${kind ?? 'none'}`);
  return row.purposes;
}
