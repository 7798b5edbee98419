// SPDX-License-Identifier: Apache-2.0
// What an operator has of a domain: its log, its numbers, its health, and a word to the supervisor.
import type { Domain } from '@sealpost/protocol';
import type { Observer } from '../observe/observer.ts';
import { several } from '../observe/several.ts';
import { systemClock } from '../schedule/clock.ts';
import { EventLog } from './event-log.ts';
import type { Gauges } from './gauges.ts';
import { HealthChecks, type Health } from './health.ts';
import { listenForOperators, type OperationsListener, type Page } from './http.ts';
import type { Log } from './log.ts';
import { Metrics } from './metrics.ts';
import { monotonicMicros, supervisorOf, type Supervisor } from './supervisor.ts';

export interface OperationsOptions {
  readonly domain: Domain;
  readonly log: Log;
  /** On loopback; without it there are no pages. */
  readonly listen?: { readonly host: string; readonly port: number };
  /** For what a supervisor says in it. */
  readonly env: NodeJS.ProcessEnv;
}

export class Operations {
  /** For the domain. */
  readonly observer: Observer;
  readonly #options: OperationsOptions;
  readonly #metrics = new Metrics();
  readonly #health: HealthChecks;
  readonly #supervisor: Supervisor | undefined;
  #listener: OperationsListener | undefined;
  #watchdog: NodeJS.Timeout | undefined;

  /** Pages are there before the domain is, and say so. */
  static async open(options: OperationsOptions): Promise<Operations> {
    const operations = new Operations(options);
    if (options.listen !== undefined) await operations.#listen(options.listen);
    return operations;
  }

  private constructor(options: OperationsOptions) {
    this.#options = options;
    this.observer = several([this.#metrics, new EventLog(options.log, systemClock)]);
    this.#health = new HealthChecks((hasRoom) => this.observer.room(hasRoom));
    this.#supervisor = supervisorOf(options.env, (error) => this.observer.fault(error));
  }

  get port(): number | undefined {
    return this.#listener?.port;
  }

  async started(gauges: Gauges): Promise<void> {
    const { domain, log } = this.#options;
    this.#metrics.watch(gauges);
    this.#health.enter('running', gauges);
    log.info(`${domain} is up.`, { event: 'started', domain, pid: process.pid });
    this.#feedWatchdog();
    await this.#supervisor?.notify('READY=1', `STATUS=${domain} is up.`);
  }

  async reloading<T>(reload: () => Promise<T>): Promise<T> {
    await this.#supervisor?.notify('RELOADING=1', `MONOTONIC_USEC=${monotonicMicros()}`);
    try {
      return await reload();
    } finally {
      await this.#supervisor?.notify('READY=1');
    }
  }

  async draining(): Promise<void> {
    const { domain, log } = this.#options;
    this.#health.enter('draining');
    log.info(`${domain} ends: no new connections, and what was received is answered first.`, {
      event: 'draining',
      domain,
    });
    await this.#supervisor?.notify('STOPPING=1', 'STATUS=Answering what was received.');
  }

  async close(): Promise<void> {
    const { domain, log } = this.#options;
    const wasUp = this.#health.phase === 'draining';
    this.#health.enter('stopped');
    this.#metrics.watch(undefined);
    clearInterval(this.#watchdog);
    await this.#listener?.close();
    if (wasUp) log.info(`${domain} has ended.`, { event: 'stopped', domain });
  }

  async #listen(place: { readonly host: string; readonly port: number }): Promise<void> {
    const pages = {
      '/livez': async () => healthPage(await this.#health.live()),
      '/readyz': async () => healthPage(await this.#health.ready()),
      '/metrics': async () => ({
        status: 200,
        contentType: this.#metrics.contentType,
        body: await this.#metrics.text(),
      }),
    };
    this.#listener = await listenForOperators(place, pages, (error) => this.observer.fault(error));
  }

  /** A process that is stuck, or whose store is, says nothing, and is started anew. */
  #feedWatchdog(): void {
    const { watchdogMs } = this.#supervisor ?? {};
    if (watchdogMs === undefined) return;
    const feed = async (): Promise<void> => {
      const { isOk } = await this.#health.live();
      if (isOk) await this.#supervisor?.notify('WATCHDOG=1');
    };
    this.#watchdog = setInterval(() => void feed(), watchdogMs / 3);
    this.#watchdog.unref();
  }
}

function healthPage({ isOk, checks }: Health): Page {
  const shown = Object.entries(checks).map(([name, check]) => [
    name,
    { ok: check.isOk, sentence: check.sentence },
  ]);
  const body = `${JSON.stringify({ ok: isOk, checks: Object.fromEntries(shown) }, null, 2)}\n`;
  return { status: isOk ? 200 : 503, contentType: 'application/json', body };
}
