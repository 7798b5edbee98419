// SPDX-License-Identifier: Apache-2.0
export { accountsOf } from './accounts/account.ts';
export type { Account, Accounts, Grant } from './accounts/account.ts';
export { hashPassword } from './accounts/password.ts';
export type {
  Custody,
  CustodyReader,
  State,
  Stored,
  Transition,
  TransitionResult,
} from './custody/custody.ts';
export { openCustody } from './custody/open.ts';
export type { CustodyOptions } from './custody/open.ts';
export { openDomain } from './domain.ts';
export type { DomainOptions, Endpoint, Peer, RunningDomain, TlsMaterial } from './domain.ts';
export { openFederation } from './federation.ts';
export type {
  AccountPlan,
  DomainPlan,
  Federation,
  FederationAccount,
  FederationDomain,
  FederationOptions,
  GrantPlan,
} from './federation.ts';
