// SPDX-License-Identifier: Apache-2.0
// What /metrics shows. Each is described, with what to do about it, in docs/operations.md.
import { events, eventWord, precedenceName, type Event, type Precedence } from '@sealpost/protocol';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Answer, Observer, RelayRequest } from '../observe/observer.ts';
import { Cached } from './cached.ts';
import { Counts, LaneCounts } from './counts.ts';
import type { Gauges } from './gauges.ts';

/** Rows of each queue that a scrape looks at: some 20 ms of the store's time at the most. */
const queuedMax = 100_000;
/** So often at the most, however often it is scraped. */
const storeAnswers = { keptMs: 10_000, waitMs: 2_000 };
/** Peers with a series of their own; the others are in the sums. */
const namedPeersMax = 256;

/** Of what prom-client knows of every Node process: for its developers, not for an operator. */
const leftOut = [
  'nodejs_active_resources',
  'nodejs_active_resources_total',
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_heap_space_size_total_bytes',
  'nodejs_heap_space_size_used_bytes',
  'nodejs_heap_space_size_available_bytes',
  'nodejs_eventloop_lag_seconds',
  'nodejs_eventloop_lag_min_seconds',
  'nodejs_eventloop_lag_stddev_seconds',
];

type Labels = Record<string, string>;
type Values = Iterable<readonly [Labels, number]>;

/**
 * Counts while messages pass, in plain numbers; Prometheus' own objects see them when somebody asks. Labels come from
 * closed lists, so that nobody who can reach the domain can make the list of series long: never an account.
 */
export class Metrics implements Observer {
  readonly #registry = new Registry();
  readonly #signIns = new Counts<Answer>(['ok', 'credentials-invalid']);
  readonly #submissions = new Counts<Answer>(['ok']);
  readonly #requests = new Counts<Answer>(['ok']);
  readonly #relayRequests: Readonly<Record<RelayRequest, Counts<Answer>>> = {
    message: new Counts(['ok']),
    evidence: new Counts(['ok']),
    status: new Counts(['ok']),
  };
  readonly #accepted = { account: new LaneCounts(), peer: new LaneCounts() };
  readonly #events = new Map(events.map((event) => [event, new LaneCounts()]));
  readonly #links = new Counts<'up' | 'down' | 'failed'>(['up', 'down', 'failed']);
  readonly #batch: Histogram;
  readonly #commit: Histogram;
  #faults = 0;
  #hasRoom: boolean | undefined;
  #gauges: Gauges | undefined;
  readonly #queued = new Cached(async () => this.#gauges?.queued(queuedMax), storeAnswers);
  readonly #owed = new Cached(async () => this.#gauges?.owed(queuedMax), storeAnswers);

  constructor() {
    this.#batch = new Histogram({
      name: 'sealpost_commit_batch_transitions',
      help: 'Transitions that one transaction, and so one fsync, has made durable.',
      buckets: [1, 2, 4, 8, 16, 32, 64],
      registers: [this.#registry],
    });
    this.#commit = new Histogram({
      name: 'sealpost_commit_seconds',
      help: 'Time from handing a batch to the store until it was on disk, fsync included.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers: [this.#registry],
    });
    this.#registerCounters();
    this.#registerGauges();
    this.#registerStoreGauges();
    collectDefaultMetrics({ register: this.#registry });
    for (const name of leftOut) this.#registry.removeSingleMetric(name);
  }

  /** From now on this domain's. */
  watch(gauges: Gauges | undefined): void {
    this.#gauges = gauges;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  signedIn(answer: Answer): void {
    this.#signIns.add(answer);
  }

  answered(what: 'submission' | 'request', answer: Answer): void {
    (what === 'submission' ? this.#submissions : this.#requests).add(answer);
  }

  peerAnswered(_peer: string, what: RelayRequest, answer: Answer): void {
    this.#relayRequests[what].add(answer);
  }

  accepted(from: 'account' | 'peer', lane: Precedence): void {
    this.#accepted[from].add(lane);
  }

  happened(event: Event, lane: Precedence): void {
    this.#events.get(event)?.add(lane);
  }

  committed(transitions: number, milliseconds: number): void {
    this.#batch.observe(transitions);
    this.#commit.observe(milliseconds / 1000);
  }

  room(hasRoom: boolean): void {
    this.#hasRoom = hasRoom;
  }

  linkUp(): void {
    this.#links.add('up');
  }

  linkDown(): void {
    this.#links.add('down');
  }

  linkFailed(): void {
    this.#links.add('failed');
  }

  fault(): void {
    this.#faults += 1;
  }

  #registerCounters(): void {
    this.#counter(
      'sealpost_sign_ins_total',
      'Sign-ins by what they were answered: ok, or the code of the refusal.',
      ['answer'],
      () => answers(this.#signIns),
    );
    this.#counter(
      'sealpost_submissions_total',
      'What accounts published to mail/to/ by its answer: ok (taken, or taken before), or the code of the refusal.',
      ['answer'],
      () => answers(this.#submissions),
    );
    this.#counter(
      'sealpost_requests_total',
      'Everything else that accounts published below mail/ (dispositions, questions, wrong topics) by its answer.',
      ['answer'],
      () => answers(this.#requests),
    );
    this.#counter(
      'sealpost_relay_requests_total',
      'What peers asked of this domain (message, evidence, status) by its answer.',
      ['what', 'answer'],
      () =>
        Object.entries(this.#relayRequests).flatMap(([what, counts]) =>
          answers(counts).map(([labels, count]) => [{ what, ...labels }, count] as const),
        ),
    );
    this.#counter(
      'sealpost_messages_accepted_total',
      'Messages that were put on disk for the first time, by the lane they stand in and who brought them.',
      ['from', 'lane'],
      () =>
        Object.entries(this.#accepted).flatMap(([from, lanes]) =>
          [...lanes.entries()].map(([lane, count]) => [{ from, lane }, count] as const),
        ),
    );
    this.#counter(
      'sealpost_events_total',
      'Evidence put on disk, of this domain about its messages or of peers about ours, by event and lane.',
      ['event', 'lane'],
      () => this.#eventCounts(),
    );
    this.#counter(
      'sealpost_links_total',
      'Links to peers that came up, went down, or could not be made.',
      ['event'],
      () => [...this.#links.entries()].map(([event, count]) => [{ event }, count] as const),
    );
    this.#counter(
      'sealpost_faults_total',
      'Faults of the program or the store; each is in the log.',
      [],
      () => [[{}, this.#faults]],
    );
    this.#counter(
      'sealpost_ordinary_dropped_total',
      'Ordinary MQTT messages (not mail) dropped because a subscriber was too slow.',
      [],
      () => (this.#gauges === undefined ? [] : [[{}, this.#gauges.accounts().dropped]]),
    );
  }

  #eventCounts(): Values {
    return [...this.#events].flatMap(([event, lanes]) =>
      [...lanes.entries()]
        .filter(([, count]) => count > 0)
        .map(([lane, count]) => [{ event: eventWord(event), lane }, count] as const),
    );
  }

  #registerGauges(): void {
    this.#gauge('sealpost_connections', 'Signed-in connections by listener.', ['listener'], (gauges) => [
      [{ listener: 'accounts' }, gauges.accounts().connections],
      [{ listener: 'relay' }, gauges.relay().connections],
    ]);
    this.#gauge(
      'sealpost_handshakes',
      'Connections that have not signed in yet, by listener.',
      ['listener'],
      (gauges) => [
        [{ listener: 'accounts' }, gauges.accounts().handshakes],
        [{ listener: 'relay' }, gauges.relay().handshakes],
      ],
    );
    this.#gauge(
      'sealpost_sessions',
      'MQTT sessions of accounts, connected or kept for later.',
      [],
      (gauges) => [[{}, gauges.accounts().sessions]],
    );
    this.#gauge('sealpost_subscriptions', 'Subscriptions of accounts.', [], (gauges) => [
      [{}, gauges.accounts().subscriptions],
    ]);
    this.#gauge('sealpost_unstored_bytes', 'Content received and not on disk yet.', [], (gauges) => [
      [{}, gauges.unstoredBytes],
    ]);
    this.#gauge('sealpost_outbox_bytes', 'Waiting or in flight toward accounts.', [], (gauges) => [
      [{}, gauges.accounts().outboxBytes],
    ]);
    this.#gauge('sealpost_peers', 'Configured peers by whether a link to them is up.', ['link'], (gauges) => {
      const up = gauges.peers().filter(({ isLinked }) => isLinked).length;
      return [
        [{ link: 'up' }, up],
        [{ link: 'down' }, gauges.peers().length - up],
      ];
    });
    this.#gauge(
      'sealpost_peer_link_up',
      `Whether a link to this peer is up, for the first ${namedPeersMax} peers.`,
      ['peer'],
      (gauges) =>
        gauges
          .peers()
          .slice(0, namedPeersMax)
          .map(({ domain, isLinked }) => [{ peer: domain }, Number(isLinked)] as const),
    );
  }

  #registerStoreGauges(): void {
    this.#gauge(
      'sealpost_store_writable',
      'Whether the disk took the last new message, or the last probe of /readyz.',
      [],
      () => (this.#hasRoom === undefined ? [] : [[{}, Number(this.#hasRoom)]]),
    );
    this.#gauge(
      'sealpost_queued_messages',
      `Messages that wait, by queue (mailbox, peer, held) and lane; counted up to ${queuedMax} a queue.`,
      ['queue', 'lane'],
      async () =>
        ((await this.#queued.get()) ?? []).map(({ queue, lane, count }) => [
          { queue, lane: precedenceName(lane) },
          count,
        ]),
    );
    this.#gauge(
      'sealpost_oldest_queued_seconds',
      'How long ago the oldest of these messages was accepted here.',
      ['queue', 'lane'],
      async () => {
        const now = Math.floor(Date.now() / 1000);
        return ((await this.#queued.get()) ?? []).flatMap(({ queue, lane, since }) =>
          since === undefined ? [] : [[{ queue, lane: precedenceName(lane) }, Math.max(0, now - since)]],
        );
      },
    );
    this.#gauge(
      'sealpost_notices_owed',
      `Evidence that senders here have not taken yet; counted up to ${queuedMax}.`,
      [],
      async () => sumOf((await this.#owed.get())?.notices),
    );
    this.#gauge(
      'sealpost_reports_owed',
      `Evidence that other domains have not taken yet; counted up to ${queuedMax}.`,
      [],
      async () => sumOf((await this.#owed.get())?.reports),
    );
  }

  #counter(name: string, help: string, labelNames: string[], read: () => Values): void {
    const counter: Counter = new Counter({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        counter.reset();
        for (const [labels, count] of read()) counter.inc(labels, count);
      },
    });
  }

  /** Absent while no domain runs. */
  #gauge(
    name: string,
    help: string,
    labelNames: string[],
    read: (gauges: Gauges) => Values | Promise<Values>,
  ): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect: async () => {
        const values = this.#gauges === undefined ? [] : await read(this.#gauges);
        gauge.reset();
        if (labelNames.length === 0) gauge.remove();
        for (const [labels, value] of values) gauge.set(labels, value);
      },
    });
  }
}

function answers(counts: Counts<Answer>): (readonly [Labels, number])[] {
  return [...counts.entries()].map(([answer, count]) => [{ answer }, count] as const);
}

function sumOf(count: number | undefined): Values {
  return count === undefined ? [] : [[{}, count]];
}
