// SPDX-License-Identifier: Apache-2.0
import type { Federation } from '@sealpost/server';

/** The one line that `dev --json` writes when everything listens. Field by field: nothing else may slip in. */
export function readyLine(dataDir: string, { domains, accounts }: Federation): string {
  return JSON.stringify({
    ready: true,
    dataDir,
    domains: domains.map(({ domain, mqtt, mqtts, ws }) => ({
      domain,
      mqtt: { host: mqtt.host, port: mqtt.port },
      mqtts: { host: mqtts.host, port: mqtts.port, caFile: mqtts.caFile },
      ...(ws === undefined ? {} : { ws: { host: ws.host, port: ws.port } }),
    })),
    accounts: accounts.map(({ address, kind, username, password, certFile, keyFile }) => ({
      address,
      kind,
      username,
      password,
      certFile,
      keyFile,
    })),
  });
}
