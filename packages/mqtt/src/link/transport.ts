// SPDX-License-Identifier: Apache-2.0

/**
 * Port: an ordered, reliable stream of bytes. The user sets the three callbacks once, before anything can arrive.
 * `onClose` is called exactly once; nothing is called after it.
 */
export interface Transport {
  /** Never blocks. What is given may be a view on a shared buffer that is not written again. */
  send(bytes: Uint8Array): void;
  /** What was sent still leaves, then the stream ends. */
  close(): void;
  destroy(): void;
  pause(): void;
  resume(): void;
  onData: (bytes: Uint8Array) => void;
  onClose: (error?: Error) => void;
  /** `bufferedBytes` has fallen to zero. */
  onDrain: () => void;
  /** Sent, and not yet taken by the network. */
  readonly bufferedBytes: number;
}

/** Who is on the other side, as far as the transport knows. */
export interface TransportInfo {
  /** Encrypted and authenticated toward the server, as with TLS. */
  readonly secure: boolean;
  readonly loopback: boolean;
  /** DER, not checked against anything: that is the application's work. */
  readonly peerCertificate?: Uint8Array;
  /** DER of the certificate that was sent along as its issuer; as little checked. */
  readonly peerIssuer?: Uint8Array;
  /** For logs. */
  readonly remote: string;
}
