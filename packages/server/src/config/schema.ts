// SPDX-License-Identifier: Apache-2.0
// Every key of the configuration, with what it means. A key is added here, in one line, and described in
// docs/configuration.md; environment, flags, `config show` and the names that are suggested follow from this list.
import { z } from 'zod';
import { domainLimits } from '../limits/limits.ts';
import {
  domainName,
  keyHash,
  listeningPlace,
  loopbackPlace,
  oneOf,
  origins,
  remotePlace,
  text,
  wholeNumber,
} from './values.ts';

const table = <T extends z.ZodRawShape>(shape: T): z.ZodPrefault<z.ZodObject<T, z.core.$strict>> =>
  z.strictObject(shape, 'must be a table').prefault({} as never);

const peer = z
  .strictObject({
    domain: domainName.describe('The domain that mail is exchanged with.'),
    address: remotePlace.optional().describe('Where its relay listens; without it, the peer dials us.'),
    anchor: keyHash.optional().describe('Hash of its authority’s key, as its operator gave it to you.'),
    anchor_file: text('the path of a PEM file')
      .optional()
      .describe('Certificate of its authority (PEM); with or instead of `anchor`.'),
  })
  .refine((peer) => peer.anchor !== undefined || peer.anchor_file !== undefined, {
    path: ['anchor'],
    message:
      'is missing, so nothing would prove who the peer is; write the "sha256:…" that its operator was shown by `sealpost init`, or name its certificate in anchor_file',
  });

export const schema = z.strictObject(
  {
    domain: domainName.describe('The domain that is served. Fixed once it was prepared.'),
    host: text('a host name')
      .optional()
      .describe(
        'The name under which clients and peers reach this machine; the domain itself unless given. It is put into the listener’s own certificate and into profiles.',
      ),
    data: text('a path')
      .default('data')
      .describe('Folder for keys, accounts and mail, relative to the file.'),
    listen: table({
      mqtt: loopbackPlace.optional().describe('MQTT without TLS, on this machine only.'),
      mqtts: listeningPlace.optional().describe('MQTT over TLS, for accounts.'),
      relay: listeningPlace
        .optional()
        .describe('For other domains, over TLS. Without it, this domain only dials.'),
      ws: loopbackPlace.optional().describe('MQTT over WebSocket without TLS, on this machine only.'),
      wss: listeningPlace
        .optional()
        .describe('MQTT over WebSocket and TLS, for accounts, with the certificate of `mqtts`.'),
      origins: origins
        .default('')
        .describe('Pages that may connect over WebSocket, `https://mail.example`, with spaces between.'),
    }),
    tls: table({
      certificate_file: text('the path of a PEM file')
        .optional()
        .describe(
          'Certificate and chain (PEM) of the account listeners. Without it, `sealpost init` has made one.',
        ),
      key_file: text('the path of a PEM file')
        .optional()
        .describe('Its private key (PEM), readable by its owner only.'),
    }),
    log: table({
      level: oneOf(['error', 'warn', 'info', 'debug']).default('info').describe('What is worth a line.'),
      format: oneOf(['auto', 'text', 'json'])
        .default('auto')
        .describe(
          'Lines for people, or one JSON object each; `auto` is text on a terminal and JSON elsewhere.',
        ),
    }),
    operations: table({
      listen: loopbackPlace
        .optional()
        .describe(
          'Where /metrics, /livez and /readyz are served over HTTP, on this machine only; without it they are not.',
        ),
    }),
    limits: table({
      connections: wholeNumber(1, 1_000_000).default(20_000).describe('Clients connected at the same time.'),
      connections_per_address: wholeNumber(1, 1_000_000)
        .default(domainLimits.connectionsPerAddressMax)
        .describe('Of these, from one IPv4 address or one IPv6 /64; this machine itself is not counted.'),
      account_messages_per_second: wholeNumber(1, 1_000_000)
        .default(domainLimits.accountRates.total.perSecond)
        .describe('What one account may send in the long run; twenty times as much at once, after a rest.'),
      peer_messages_per_second: wholeNumber(1, 1_000_000)
        .default(domainLimits.peerRates.total.perSecond)
        .describe('The same for one other domain; ten times as much at once.'),
      unstored_mib: wholeNumber(1, 65_536)
        .default(domainLimits.roomBytesMax / 1024 / 1024)
        .describe(
          'Messages that were received and are not stored yet, in MiB; the less urgent are refused first.',
        ),
      drain_seconds: wholeNumber(0, 600)
        .default(20)
        .describe('How long an orderly end may take to answer what came in.'),
    }),
    peer: z
      .array(peer, 'must be written as [[peer]], once for each domain')
      .max(10_000, 'has more than 10000 entries; leave out those that are not used')
      .default([]),
  },
  'must be a table of keys',
);

export type Config = z.output<typeof schema>;
