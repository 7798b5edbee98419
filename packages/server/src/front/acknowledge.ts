// SPDX-License-Identifier: Apache-2.0
import type { Acknowledgement } from '@sealpost/mqtt';
import { describeError, type Refusal } from '@sealpost/protocol';

export const accepted: Acknowledgement = { reasonCode: 0 };

/**
 * The public face of a refusal: registered code, registered sentence, registered reason code [ERR-1]. Its private
 * cause stays behind [ERR-3].
 */
export function acknowledgeRefusal(
  refusal: Refusal,
  ...more: readonly (readonly [string, string])[]
): Acknowledgement {
  const { mqtt, sentence } = describeError(refusal.code);
  const userProperties: (readonly [string, string])[] = [['error', refusal.code], ...more];
  if (refusal.retryAfterSeconds !== undefined)
    userProperties.push(['retry-after', String(Math.ceil(refusal.retryAfterSeconds))]);
  return { reasonCode: mqtt, reasonString: sentence, userProperties };
}
