// SPDX-License-Identifier: Apache-2.0
import { Cached } from './cached.ts';
import type { Gauges } from './gauges.ts';

export type Phase = 'starting' | 'running' | 'draining' | 'stopped';

export interface Check {
  readonly isOk: boolean;
  /** One sentence for people: how it is, or what to do. */
  readonly sentence: string;
}

export interface Health {
  readonly isOk: boolean;
  readonly checks: Readonly<Record<string, Check>>;
}

const phaseSentences: Readonly<Record<Phase, string>> = {
  starting: 'The domain is starting.',
  running: 'All listeners of the configuration are up.',
  draining: 'The domain is ending: what was received is answered, and nothing new is taken.',
  stopped: 'The domain has ended.',
};

/** An answer that took longer than this is none. */
const waitMs = 5_000;

/** Whether the process should live on, and whether it should be sent anything. */
export class HealthChecks {
  #phase: Phase = 'starting';
  #gauges: Gauges | undefined;
  readonly #room: Cached<boolean | undefined>;
  readonly #answer = new Cached(async () => (await this.#gauges?.owed(1)) !== undefined, {
    keptMs: 1_000,
    waitMs,
  });

  /** `probed` is told what a probe of the store has found. */
  constructor(probed: (hasRoom: boolean) => void) {
    this.#room = new Cached(
      async () => {
        const hasRoom = await this.#gauges?.probe();
        if (hasRoom !== undefined) probed(hasRoom);
        return hasRoom;
      },
      { keptMs: 2_000, waitMs },
    );
  }

  get phase(): Phase {
    return this.#phase;
  }

  enter(phase: Phase, gauges?: Gauges): void {
    this.#phase = phase;
    this.#gauges = gauges ?? this.#gauges;
  }

  /** That this runs at all says that the event loop turns. While nothing is open, there is no store to ask. */
  async live(): Promise<Health> {
    const eventLoop = ok('The event loop turns.');
    if (this.#phase !== 'running') return health({ event_loop: eventLoop });
    const isAnswering = (await this.#answer.get()) === true;
    const store = isAnswering
      ? ok('The store answers.')
      : notOk('The store does not answer: see the log, and start the domain anew.');
    return health({ event_loop: eventLoop, store });
  }

  async ready(): Promise<Health> {
    const phase = { isOk: this.#phase === 'running', sentence: phaseSentences[this.#phase] };
    if (!phase.isOk) return health({ listeners: phase });
    return health({ listeners: phase, store: await this.#storeCheck() });
  }

  async #storeCheck(): Promise<Check> {
    const hasRoom = await this.#room.get();
    if (hasRoom === undefined)
      return notOk('The store does not answer: see the log, and start the domain anew.');
    return hasRoom
      ? ok('The store has just written to its disk.')
      : notOk('The disk is full or read-only: make room; what is stored already is delivered meanwhile.');
  }
}

function ok(sentence: string): Check {
  return { isOk: true, sentence };
}

function notOk(sentence: string): Check {
  return { isOk: false, sentence };
}

function health(checks: Record<string, Check>): Health {
  return { isOk: Object.values(checks).every(({ isOk }) => isOk), checks };
}
