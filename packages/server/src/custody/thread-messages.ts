// SPDX-License-Identifier: Apache-2.0
// What passes between the main thread and the one that owns the database. Both directions are ordered: batches are
// answered in the order in which they were sent, and so are questions.
import type { RoomLimits } from '../sqlite/room.ts';
import type { StoreErrorCode } from '../sqlite/store-error.ts';
import type { PruneStep } from './custody.ts';
import type { Question } from './sqlite-reader.ts';

export interface StoreOptions {
  readonly directory: string;
  readonly room: RoomLimits;
  /** Not 0: something urgent waits until the present batch is written. */
  readonly hurry: Int32Array<SharedArrayBuffer>;
}

export type ToStore =
  /** A batch (wire.ts), transferred. */
  | ArrayBuffer
  | { readonly kind: 'ask'; readonly question: Question; readonly values: readonly unknown[] }
  | { readonly kind: 'prune'; readonly nowSeconds: number }
  | { readonly kind: 'probe' }
  | { readonly kind: 'close' };

export type FromStore =
  /** The results of a batch (wire.ts), transferred. */
  | ArrayBuffer
  | { readonly kind: 'opened' }
  | { readonly kind: 'pruned'; readonly step: PruneStep }
  | { readonly kind: 'probed'; readonly hasRoom: boolean }
  | { readonly kind: 'answer'; readonly rows: readonly Record<string, unknown>[] }
  /** In the place of the answer. `code` where an operator can put it right. */
  | { readonly kind: 'unanswered'; readonly code: StoreErrorCode | undefined; readonly sentence: string };
