// SPDX-License-Identifier: Apache-2.0
import { describeError } from '@sealpost/protocol';
import type { ErrorCode } from '@sealpost/protocol';

/** sysexits.h: the numbers that scripts around mail know. */
export const ExitCode = {
  ok: 0,
  /** `dev --once`: the story did not come out as it should. */
  failed: 1,
  usage: 64,
  data: 65,
  noMailbox: 67,
  noDomain: 68,
  unavailable: 69,
  bug: 70,
  cannotCreate: 73,
  io: 74,
  temporary: 75,
  permission: 77,
  configuration: 78,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export function exitCodeOf(code: ErrorCode): ExitCode {
  if (code === 'unreachable') return ExitCode.unavailable;
  if (code === 'mailbox-unknown') return ExitCode.noMailbox;
  if (code === 'peer-unknown') return ExitCode.noDomain;
  const { permanent, http } = describeError(code);
  if (!permanent) return ExitCode.temporary;
  return http === 401 || http === 403 || http === 426 ? ExitCode.permission : ExitCode.data;
}
