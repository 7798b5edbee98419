// SPDX-License-Identifier: Apache-2.0
// The clients of a flood, in a process of their own that gives way to the server: on their own machines they would not
// take the server's processor. Speaks with load.ts by messages: a Flood in, `signed in`, `go` in, its Answers out.
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { connectLink, type Link } from '@sealpost/mqtt/link';
import { connectTcp } from '@sealpost/mqtt/node';
import type { PrecedenceName } from '@sealpost/protocol';

export interface Flood {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly to: string;
  readonly clients: number;
  readonly perSecond: number;
  readonly forMs: number;
}

export interface LaneAnswers {
  readonly lane: PrecedenceName;
  accepted: number;
  refused: number;
  /** Refused without `retry-after`, by reason code. */
  readonly bare: Record<number, number>;
}

export interface Answers {
  readonly lanes: readonly LaneAnswers[];
  /** Messages that were sent, answered or not. */
  readonly sent: number;
  readonly tookMs: number;
}

const underwayMax = 64;
const tickMs = 20;
const shares: readonly PrecedenceName[] = ['deferred', 'deferred', 'routine', 'routine', 'priority'];
const body = Buffer.from('All is well in the kitchen. '.repeat(10));

async function signIn({ host, port, username, password, clients }: Flood): Promise<Link[]> {
  const links: Link[] = [];
  // One after the other: passwords are checked so, and only some may wait.
  for (let n = 0; n < clients; n += 1)
    links.push(
      await connectLink(await connectTcp({ host, port }), {
        clientId: `flood-${n}`,
        username,
        password: Buffer.from(password),
        cleanStart: true,
        keepAliveSeconds: 60,
        receiveMaximum: 10,
        onPublish: () => ({ reasonCode: 0 }),
      }),
    );
  return links;
}

/** As many as are due, as far as each client may have `underwayMax` unanswered. */
async function pour(links: readonly Link[], { to, perSecond, forMs }: Flood): Promise<Answers> {
  const lanes = new Map<PrecedenceName, LaneAnswers>();
  for (const lane of shares) lanes.set(lane, { lane, accepted: 0, refused: 0, bare: {} });
  const underway = links.map(() => 0);
  const began = performance.now();
  const total = { sent: 0 };
  const send = (link: Link, at: number, lane: PrecedenceName): void => {
    const publish = {
      topic: `mail/to/${to}`,
      payload: body,
      qos: 1 as const,
      retain: false,
      messageExpirySeconds: 300,
      userProperties: [['precedence', lane] as const],
    };
    total.sent += 1;
    underway[at] = (underway[at] ?? 0) + 1;
    void link.publish(publish).then(({ reasonCode, userProperties = [] }) => {
      underway[at] = (underway[at] ?? 0) - 1;
      const answers = lanes.get(lane);
      if (answers === undefined) return;
      if (reasonCode === 0) answers.accepted += 1;
      else answers.refused += 1;
      if (reasonCode !== 0 && !userProperties.some(([name]) => name === 'retry-after'))
        answers.bare[reasonCode] = (answers.bare[reasonCode] ?? 0) + 1;
    });
  };
  while (performance.now() - began < forMs) {
    const due = ((performance.now() - began) / 1000) * perSecond;
    for (let tried = 0; total.sent < due && tried < links.length * underwayMax; tried += 1) {
      const at = (total.sent + tried) % links.length;
      const link = links[at];
      if (link !== undefined && (underway[at] ?? 0) < underwayMax)
        send(link, at, shares[total.sent % shares.length] ?? 'routine');
    }
    await pause(tickMs);
  }
  return { lanes: [...lanes.values()], sent: total.sent, tookMs: performance.now() - began };
}

setPriority(constants.priority.PRIORITY_LOW);
const [flood] = (await once(process, 'message')) as [Flood];
const links = await signIn(flood);
process.send?.('signed in');
await once(process, 'message');
process.send?.(await pour(links, flood));
await once(process, 'message');
for (const link of links) link.end();
process.disconnect?.();
