// SPDX-License-Identifier: Apache-2.0
// The public list of the kernel. Words: spec/glossary.md.
export {
  domainCharactersMax,
  domainOf,
  isCanonicalAddress,
  localPartBytesMax,
  localPartOf,
  parseAddress,
  parseDomain,
} from './address.ts';
export type { Address, Domain } from './address.ts';
export type { Attestation, AttestationMethod } from './attestation.ts';
export {
  concatBytes,
  equalBytes,
  fromBase64Url,
  fromHex,
  toBase64Url,
  toHex,
  utf8,
  utf8Text,
} from './bytes.ts';
export {
  Float,
  Tagged,
  cborBytesMax,
  cborDepthMax,
  decodeCbor,
  decodeCborMap,
  decodeLenientCbor,
  encodeCbor,
} from './cbor.ts';
export type { CborLimits, CborMap } from './cbor.ts';
export { Claim, decodeClaims, encodeClaims, isSubject, messageClasses, subjectBytesMax } from './claims.ts';
export type { Claims, MessageClass } from './claims.ts';
export { Label, ObjectType, decodeSign1, encodeSign1, sha256Algorithm, sigStructure } from './cose.ts';
export type { Sign1 } from './cose.ts';
export {
  AccountKind,
  Algorithm,
  CertificateRole,
  hashBytesLength,
  isAlgorithm,
  signatureBytesLength,
} from './crypto.ts';
export type { CryptoProvider, Haste, PublicKey, Signer, SignerCertificate } from './crypto.ts';
export { messageDigest } from './digest.ts';
export { describeError, errorCodes, isErrorCode } from './errors.ts';
export type { ErrorCode, ErrorEntry } from './errors.ts';
export {
  Event,
  etsiName,
  eventWord,
  events,
  isEvent,
  orderedEvents,
  parseEventWord,
  signerOf,
} from './event.ts';
export type { EventSigner, EventWord } from './event.ts';
export {
  checkEvidenceSigner,
  decodeEvidence,
  evidenceBytesMax,
  isReason,
  makeEvidence,
  nonceBytesLength,
  verifyEvidence,
} from './evidence.ts';
export type { Evidence, EvidenceContext, Statement } from './evidence.ts';
export {
  attemptsMax,
  clockSkewSeconds,
  formatAttempts,
  lifetimeDefaultSeconds,
  lifetimeMaxSeconds,
  parseAttempts,
  remainingSeconds,
} from './lifetime.ts';
export type { Attempts } from './lifetime.ts';
export { leafHash, nodeHash, verifyConsistency, verifyInclusion } from './merkle.ts';
export type { ConsistencyProof, InclusionProof } from './merkle.ts';
export { messageIdBytes, messageIdFromBytes, newMessageId, parseMessageId } from './message-id.ts';
export type { MessageId } from './message-id.ts';
export {
  Precedence,
  isPrecedence,
  isUrgent,
  lowest,
  parsePrecedence,
  precedenceName,
  precedenceNames,
} from './precedence.ts';
export type { Lane, PrecedenceName } from './precedence.ts';
export {
  checkCopies,
  copiesOf,
  formatAsk,
  parseAsk,
  propertyCharactersMax,
  readSubmission,
  userPropertiesMax,
} from './properties.ts';
export type { SubmissionProperties, UserProperties } from './properties.ts';
export { accept, refuse } from './result.ts';
export type { Accepted, Refusal, Refused, Result } from './result.ts';
export {
  bodyBytesMax,
  checkSeal,
  checkSigner,
  contentTypeCharactersMax,
  contentTypeDefault,
  decodeSeal,
  isContentType,
  makeSeal,
  sealBytesMax,
  senderKind,
  verifySeal,
} from './seal.ts';
export type { Seal, SealClass, SealRequest } from './seal.ts';
export type { SignedObject } from './signed.ts';
export {
  actTopic,
  actions,
  checkMailFilter,
  evidenceTopic,
  inboxTopic,
  isReserved,
  isSharedMail,
  parseMailTopic,
  relaySubjects,
  relayTopic,
  toTopic,
} from './topics.ts';
export type { Action, MailFilter, MailTopic, RelaySubject } from './topics.ts';
export { formatTrust, parseTrust } from './trust.ts';
export type { AnchorProof, Trust } from './trust.ts';
export { chainBytesMax, chainCertificatesMax, withChain } from './x5chain.ts';
