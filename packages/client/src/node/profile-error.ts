// SPDX-License-Identifier: Apache-2.0

/** A profile names something that cannot be used: a key that others may read, a certificate of another key. */
export class ProfileError extends Error {
  override readonly name = 'ProfileError';
}

/** Leaves what the operating system says alone; what is wrong with the content is the profile's fault. */
export function asProfileError(error: unknown): unknown {
  if (!(error instanceof Error) || typeof (error as { code?: unknown }).code === 'string') return error;
  return new ProfileError(error.message, { cause: error });
}
