// SPDX-License-Identifier: Apache-2.0
export { connect } from './connect.ts';
export type { ConnectOptions } from './connect.ts';
export { Client } from './client.ts';
export type { Cancellable } from './client.ts';
export type { ClientState } from './client-state.ts';
export { SealpostError } from './error.ts';
export type { EvidenceNotice } from './evidence-notice.ts';
export type { MessagesOptions, WaitingOptions } from './inbox.ts';
export { Message } from './message.ts';
export type { VerifiedSeal } from './message.ts';
export type { Outbound } from './outbound.ts';
export { Sent } from './sent.ts';
export type { Trace, TraceEntry } from './trace.ts';
export type { EvidenceSigner, VerifiedEvidence } from './verified-evidence.ts';
