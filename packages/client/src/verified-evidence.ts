// SPDX-License-Identifier: Apache-2.0
import type { CertificateRole, AccountKind, Address, Domain, Event, EventWord } from '@sealpost/protocol';
import type { Lane, MessageId } from '@sealpost/protocol';
import type { Anchor } from '@sealpost/identity';

/** Who signed a statement, as its certificate says; the certificate leads to the signer domain's pinned anchor. */
export interface EvidenceSigner {
  readonly domain: Domain;
  readonly role: CertificateRole;
  /** Set when an account signed with its own key. */
  readonly address?: Address;
  readonly kind?: AccountKind;
  readonly anchorProof: Anchor['proof'];
}

/** A statement about one message whose signature, signer and content were checked here. */
export interface VerifiedEvidence {
  readonly id: MessageId;
  readonly recipient: Address;
  readonly events: readonly Event[];
  readonly words: readonly EventWord[];
  /** Unix seconds, by the signer's clock. */
  readonly observedAt: number;
  readonly reason?: string;
  readonly by?: Address;
  /** Set when the message travels in a lower lane than its precedence asked for. */
  readonly lane?: Lane;
  readonly signer: EvidenceSigner;
  /** SHA-256 that binds the statement to claims and body. */
  readonly digest: Uint8Array;
  /**
   * True when the digest is the one of the message sent from here: computed for an origin seal, or taken from the
   * own domain's acceptance for a seal that the domain made. False for messages this client knows nothing about.
   */
  readonly digestChecked: boolean;
  /** The signed statement with the certificates of its signer: enough to check it again, years later. */
  readonly signed: Uint8Array;
}
