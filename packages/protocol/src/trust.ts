// SPDX-License-Identifier: Apache-2.0
// The trust label shown with a message, [TOPIC-10]: what was proved, computed by the server that delivers it.
import { accept, refuse } from './result.ts';
import type { Result } from './result.ts';
import type { SealClass } from './seal.ts';

export type AnchorProof = 'dnssec' | 'webpki' | 'static';

export interface Trust {
  readonly sealClass: SealClass;
  readonly anchorProof: AnchorProof;
  /** How far the organisation behind the domain was checked; a registered lower-case word. */
  readonly organisation?: string;
  /** What the recipient knows of the sender; a registered lower-case word. */
  readonly contact?: string;
}

const label =
  /^(origin|domain); anchor=(dnssec|webpki|static)(?:; organisation=([a-z0-9-]{1,32}))?(?:; contact=([a-z0-9-]{1,32}))?$/;

/** For example `origin; anchor=static`. */
export function formatTrust({ sealClass, anchorProof, organisation, contact }: Trust): string {
  let text = `${sealClass}; anchor=${anchorProof}`;
  if (organisation !== undefined) text += `; organisation=${organisation}`;
  if (contact !== undefined) text += `; contact=${contact}`;
  return text;
}

export function parseTrust(text: string): Result<Trust> {
  const match = label.exec(text);
  if (match === null) return refuse('property-invalid', 'trust label');
  const [, sealClass, anchorProof, organisation, contact] = match;
  return accept({
    sealClass: sealClass as SealClass,
    anchorProof: anchorProof as AnchorProof,
    ...(organisation !== undefined && { organisation }),
    ...(contact !== undefined && { contact }),
  });
}
