// SPDX-License-Identifier: Apache-2.0
// A bare MQTT server for interoperability checks: anonymous, open, in memory, on loopback only.
//   npm run -s broker -- --port N [--server-keep-alive S] [--receive-maximum R] [--topic-alias-maximum A]
//     [--deny-subscribe FILTER]
import { serverLimits, type ServerLimits } from '../server/limits.ts';
import { OpenApplication } from '../server/open-application.ts';
import { createMqttServer } from '../server/server.ts';
import { parseBrokerFlags, type BrokerFlags } from './broker-flags.ts';
import { listenTcp } from './listen.ts';

const host = '127.0.0.1';
const exitUsage = 64;
const exitUnavailable = 69;

function limitsOf(flags: BrokerFlags): Partial<ServerLimits> {
  const { serverKeepAliveSeconds, receiveMaximum, topicAliasMaximum } = flags;
  return {
    // There is one account.
    sessionsPerAccount: serverLimits.sessions,
    subscriptionBytesPerAccount: serverLimits.subscriptionBytesMax,
    retainedPerAccount: serverLimits.retainedMax,
    retainedBytesPerAccount: serverLimits.retainedBytesMax,
    willBytesPerAccount: serverLimits.willBytesMax,
    ...(serverKeepAliveSeconds === undefined ? undefined : { keepAliveSecondsMax: serverKeepAliveSeconds }),
    ...(receiveMaximum === undefined ? undefined : { receiveMaximum }),
    ...(topicAliasMaximum === undefined ? undefined : { topicAliasMaximum }),
  };
}

function say(line: string): void {
  process.stderr.write(`broker: ${line}\n`);
}

async function serve(flags: BrokerFlags): Promise<void> {
  const server = createMqttServer({
    application: new OpenApplication(flags.denySubscribe),
    limits: limitsOf(flags),
    report: (error) => say(error instanceof Error ? (error.stack ?? error.message) : String(error)),
  });
  const listener = await listenTcp(server, { host, port: flags.port });
  process.stdout.write(`listening on ${host}:${listener.port}\n`);
  const stop = (): void => {
    void Promise.all([listener.close(), server.close()]);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
}

const flags = parseBrokerFlags(process.argv.slice(2));
if (typeof flags === 'string') {
  say(flags);
  process.exitCode = exitUsage;
} else {
  serve(flags).catch((error: unknown) => {
    say(`cannot listen on ${host}:${flags.port}: ${(error as NodeJS.ErrnoException).code}`);
    process.exitCode = exitUnavailable;
  });
}
