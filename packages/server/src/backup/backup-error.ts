// SPDX-License-Identifier: Apache-2.0

export type BackupErrorCode =
  /** There is something where the backup, or what is restored, is to go. */
  'already-there' | 'nothing-there' | 'backup-invalid' | 'no-room';

/** The message is one sentence for the operator. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly code: BackupErrorCode;

  constructor(code: BackupErrorCode, sentence: string, cause?: unknown) {
    super(sentence, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
