// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { ConfigError, formatPlace, openService } from '@sealpost/server';
import type { LoadedConfig, Place, Service } from '@sealpost/server';
import type { ConfigOptions } from '../config-options.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../failure.ts';
import { asCommandErrors, readConfig } from './config-file.ts';
import { TerminalLog } from './service-log.ts';

export interface ServeOptions extends ConfigOptions {
  readonly json?: boolean;
}

export async function serve(context: Context, options: ServeOptions): Promise<void> {
  const { terminal, env, ending } = context;
  const loaded = await readConfig(options, env);
  const log = new TerminalLog(terminal, loaded.config.log);
  const service = await asCommandErrors(() => openService(loaded, log));
  try {
    // A hang-up that comes while another is being followed waits its turn.
    let following: Promise<void> = Promise.resolve();
    context.onHangup?.(() => {
      following = following.then(() => reload(context, options, service, log));
    });
    terminal.out(options.json === true ? readyLine(service) : readySentence(loaded, service));
    if (!ending.aborted) await Promise.race([once(ending, 'abort'), service.failure]);
    await following;
    log.info(`${loaded.config.domain} ends: no new connections, and what was received is answered first.`);
  } finally {
    await service.close();
  }
}

/** Never rejects: a domain that runs goes on with what it has. */
async function reload(
  { env }: Context,
  options: ServeOptions,
  service: Service,
  log: TerminalLog,
): Promise<void> {
  try {
    const next = await readConfig(options, env);
    const later = await service.reload(next);
    log.use(next.config.log);
    log.info(`The configuration ${next.file} was read again and is in force.`);
    for (const sentence of later) log.warn(sentence);
  } catch (error) {
    log.error(`The configuration was not taken over, and the old one stays: ${sentenceOf(error)}`);
  }
}

function sentenceOf(error: unknown): string {
  if (error instanceof CommandError) return error.message;
  if (error instanceof ConfigError) return error.problems[0]?.sentence ?? '';
  return error instanceof Error ? error.message : String(error);
}

/** Field by field: nothing else may slip in. */
function readyLine({ running: { domain, mqtt, mqtts, relay, ws, wss } }: Service): string {
  return JSON.stringify({ ready: true, domain, mqtt, mqtts, relay, ws: at(ws), wss: at(wss) });
}

function at(place: Place | undefined): Place | undefined {
  return place && { host: place.host, port: place.port };
}

function readySentence({ file }: LoadedConfig, { running }: Service): string {
  const places = (['mqtt', 'mqtts', 'relay', 'ws', 'wss'] as const).flatMap((name) => {
    const place = running[name];
    return place === undefined ? [] : [`${name} on ${formatPlace(place)}`];
  });
  return `${running.domain} is up, as ${file} says: ${places.join(', ')}. Ctrl-C ends it.`;
}
