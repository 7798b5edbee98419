// SPDX-License-Identifier: Apache-2.0
import type { ServerStats } from '@sealpost/mqtt/server';
import type { Domain } from '@sealpost/protocol';
import type { Inspecting } from '../custody/custody.ts';

/** How a running domain stands. Cheap, except for what is asked of the store. */
export interface Gauges extends Inspecting {
  accounts(): ServerStats;
  relay(): ServerStats;
  peers(): readonly { readonly domain: Domain; readonly isLinked: boolean }[];
  /** Content that was received and is not on disk yet. */
  readonly unstoredBytes: number;
}
