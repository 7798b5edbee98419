// SPDX-License-Identifier: Apache-2.0
export { accountsOf } from './accounts/account.ts';
export type { Account, Accounts, Grant, PasswordCredential, Revocations } from './accounts/account.ts';
export { hashPassword, passwordBytesMax } from './accounts/password.ts';
export { AccountStore, credentialsMax, grantsMax, labelCharactersMax } from './accounts/store.ts';
export type { StoredAccount, StoredCredential } from './accounts/store.ts';
export { domainLimits } from './limits/limits.ts';
export type { DomainLimits } from './limits/limits.ts';
export { keyNames, keys } from './config/keys.ts';
export type { Key } from './config/keys.ts';
export { loadConfig } from './config/load.ts';
export type { LoadedConfig } from './config/load.ts';
export { preparedDirectory, readMaterials } from './config/materials.ts';
export { nearest, suggestion } from './config/nearest.ts';
export { ConfigError } from './config/problem.ts';
export type { Problem } from './config/problem.ts';
export { formatKeyHash, formatPlace, parsePlace } from './config/values.ts';
export type { Place } from './config/values.ts';
export { BackupError } from './backup/backup-error.ts';
export type { BackupErrorCode } from './backup/backup-error.ts';
export { checkStores } from './backup/check-stores.ts';
export { makeBackup } from './backup/make-backup.ts';
export type { BackupOptions } from './backup/make-backup.ts';
export type { Manifest } from './backup/manifest.ts';
export { restoreBackup, verifyBackup } from './backup/restore.ts';
export type { BackupReport } from './backup/restore.ts';
export type { StoreReport } from './backup/store-files.ts';
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
export type { DomainOptions, Endpoint, Listening, Peer, RunningDomain } from './domain.ts';
export { issueAccountCredential } from './estate/account-credential.ts';
export { tlsAuthorityFile } from './estate/listener.ts';
export type { TlsMaterial } from './estate/listener.ts';
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
export { anchorText, configFileName, initDomain, peerText } from './init.ts';
export type { InitOptions, Initialised } from './init.ts';
export { openService } from './serve.ts';
export type { Service } from './serve.ts';
export type { Observer } from './observe/observer.ts';
export { nobody } from './observe/several.ts';
export { Log } from './operations/log.ts';
export type { LogSettings } from './operations/log.ts';
export { isStoreError } from './sqlite/store-error.ts';
export type { StoreErrorCode } from './sqlite/store-error.ts';
