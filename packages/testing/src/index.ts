// SPDX-License-Identifier: Apache-2.0
export { makeServerCertificate } from './certificates.ts';
export { FakeClock } from './clock.ts';
export { custodyContract } from './custody-contract.ts';
export type { CustodyPlace, Store } from './custody-contract.ts';
export {
  admit,
  attempt,
  consign,
  dispose,
  finish,
  handOver,
  lapse,
  offer,
  sampleAcceptance,
  sampleId,
  sampleNow,
  samplePeer,
  sampleRecipient,
  sampleRelay,
  sampleSender,
  sampleSign,
  sampleStatement,
  signedForm,
  withdraw,
} from './custody-sample.ts';
export type { Acceptance } from './custody-sample.ts';
export { parseExposition, sampleOf } from './exposition.ts';
export type { Family, Sample } from './exposition.ts';
export { findTool, requireTool } from './tools.ts';
export { smallExt4, smallTmpfs } from './small-disk.ts';
export type { SmallDisk } from './small-disk.ts';
