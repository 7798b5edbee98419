// SPDX-License-Identifier: Apache-2.0

/** Loads what an earlier start made, or makes it now and keeps it. */
export async function made<T>(
  load: () => Promise<T>,
  create: () => Promise<T>,
  save: (created: T) => Promise<void>,
): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const created = await create();
  await save(created);
  return created;
}
