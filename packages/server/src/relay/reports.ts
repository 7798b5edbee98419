// SPDX-License-Identifier: Apache-2.0
import type { Publish } from '@sealpost/mqtt';
import type { Outcome, Outgoing } from '@sealpost/mqtt/link';
import { encodeCbor, relayTopic, type Domain, type Precedence } from '@sealpost/protocol';
import type { Custody, CustodyReader } from '../custody/custody.ts';
import type { OwedReport } from '../delivery/outcomes.ts';
import { retryDelayMs } from '../schedule/backoff.ts';
import type { Clock } from '../schedule/clock.ts';
import { Feed } from '../schedule/feed.ts';
import type { Sink } from './link.ts';

interface ReportsOptions {
  readonly custody: Custody & CustodyReader;
  readonly clock: Clock;
  random(): number;
  report(error: unknown): void;
}

/** Statements in one PUBLISH; each has about 250 bytes. */
export const statementsMax = 64;
const onItsWayMax = 512;
const urgentOnItsWayMax = 8_192;

/** Evidence owed to one peer: gathered per turn and lane into one PUBLISH, repeated until the peer acknowledged it. */
export class Reports {
  readonly #peer: Domain;
  readonly #options: ReportsOptions;
  #feed: Feed<OwedReport> | undefined;
  #sink: Sink | undefined;
  #gathered: OwedReport[] = [];
  #failures = 0;

  constructor(peer: Domain, options: ReportsOptions) {
    this.#peer = peer;
    this.#options = options;
  }

  linkUp(sink: Sink): void {
    this.linkDown();
    this.#sink = sink;
    const feed: Feed<OwedReport> = new Feed<OwedReport>({
      load: (limit, after) => this.#options.custody.reports(this.#peer, limit, after),
      key: (owed) => String(owed.seq),
      hasRoom: (urgent) => feed.onItsWay < (urgent ? urgentOnItsWayMax : onItsWayMax),
      offer: (owed) => this.#gather(owed),
      clock: this.#options.clock,
      report: this.#options.report,
    });
    this.#feed = feed;
    feed.reread();
  }

  linkDown(): void {
    this.#feed?.stop();
    this.#feed = undefined;
    this.#sink = undefined;
    this.#gathered = [];
  }

  arrived(owed: OwedReport): void {
    this.#feed?.arrived(owed);
  }

  #gather(owed: OwedReport): void {
    this.#gathered.push(owed);
    if (this.#gathered.length === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    const feed = this.#feed;
    if (feed === undefined) return;
    const lanes = new Map<Precedence, OwedReport[]>();
    for (const owed of gathered) {
      const lane = lanes.get(owed.lane);
      if (lane === undefined) lanes.set(owed.lane, [owed]);
      else lane.push(owed);
    }
    for (const [lane, owed] of lanes)
      for (let from = 0; from < owed.length; from += statementsMax)
        this.#sink?.send(new ReportOffer(this, feed, lane, owed.slice(from, from + statementsMax)));
  }

  settled(offer: ReportOffer, outcome: Outcome): void {
    const { feed, owed, rank } = offer;
    // Lost with the link: the next link reads the queue from its head.
    if (outcome.kind !== 'acknowledged') return;
    const { reasonCode } = outcome.acknowledgement;
    if (reasonCode < 0x80) {
      this.#failures = 0;
      this.#options.custody
        .commit({ kind: 'reported', peer: this.#peer, seqs: owed.map(({ seq }) => seq) }, rank)
        .then(() => owed.forEach(({ seq }) => feed.release(String(seq))), this.#options.report);
      return;
    }
    if (reasonCode !== 0x97)
      this.#options.report(new Error(`${this.#peer} refuses evidence: reason code ${reasonCode}`));
    this.#failures += 1;
    const delay = retryDelayMs(this.#failures, rank as Precedence, this.#options.random());
    this.#options.clock.after(delay, () => {
      if (feed !== this.#feed) return;
      for (const { seq } of owed) feed.release(String(seq));
      feed.reread();
    });
  }
}

class ReportOffer implements Outgoing {
  readonly publish: Publish;
  readonly rank: number;
  readonly feed: Feed<OwedReport>;
  readonly owed: readonly OwedReport[];
  readonly #reports: Reports;

  constructor(reports: Reports, feed: Feed<OwedReport>, lane: Precedence, owed: readonly OwedReport[]) {
    this.#reports = reports;
    this.feed = feed;
    this.owed = owed;
    this.rank = lane;
    this.publish = {
      topic: relayTopic('evidence'),
      payload: encodeCbor(owed.map(({ signed }) => signed)),
      qos: 1,
      retain: false,
      userProperties: [],
    };
  }

  settled(outcome: Outcome): void {
    this.#reports.settled(this, outcome);
  }
}
