// SPDX-License-Identifier: Apache-2.0
// Between MQTT's acknowledgements and the registry, [ERR-1] [ERR-2].
import { describeError, isErrorCode } from '@sealpost/protocol';
import type { ErrorCode, Refusal } from '@sealpost/protocol';
import type { Acknowledgement, UserProperties } from '@sealpost/mqtt';

export const taken: Acknowledgement = { reasonCode: 0 };

/** The answer of this client to a message or evidence that it does not take. */
export function notTaken(code: ErrorCode): Acknowledgement {
  const { mqtt, sentence } = describeError(code);
  return { reasonCode: mqtt, reasonString: sentence, userProperties: [['error', code]] };
}

/** What a server refused, or undefined when it took the PUBLISH. */
export function refusalOf(answer: Acknowledgement): Refusal | undefined {
  if (answer.reasonCode < 0x80) return undefined;
  const error = property(answer.userProperties, 'error');
  const retryAfter = property(answer.userProperties, 'retry-after');
  const retryAfterSeconds = retryAfter === undefined ? undefined : wholeSeconds(retryAfter);
  return {
    code: error !== undefined && isErrorCode(error) ? error : codeOf(answer.reasonCode),
    ...(answer.reasonString === undefined ? {} : { cause: answer.reasonString }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}

/** The nearest registered code where a server gave none: from CONNACK, or from a broker that is not Sealpost. */
export function codeOf(reasonCode: number): ErrorCode {
  switch (reasonCode) {
    case 0x81:
    case 0x82:
      return 'packet-invalid';
    case 0x86:
      return 'credentials-invalid';
    case 0x87:
    case 0x8a:
    case 0x8c:
      return 'not-allowed';
    case 0x88:
    case 0x89:
    case 0x97:
    case 0x9f:
      return 'overloaded';
    case 0x80:
      return 'undecided';
    case 0x90:
      return 'topic-invalid';
    default:
      return 'rejected';
  }
}

export function property(properties: UserProperties | undefined, name: string): string | undefined {
  return properties?.find(([key]) => key === name)?.[1];
}

function wholeSeconds(text: string): number | undefined {
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined;
}
