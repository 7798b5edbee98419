// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { ConfigError, Log, formatPlace, openService } from '@sealpost/server';
import type { LoadedConfig, LogSettings, Place, Service } from '@sealpost/server';
import type { ConfigOptions } from '../config-options.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../failure.ts';
import { asCommandErrors, readConfig } from './config-file.ts';

export interface ServeOptions extends ConfigOptions {
  readonly json?: boolean;
}

export async function serve(context: Context, options: ServeOptions): Promise<void> {
  const { terminal, env, ending } = context;
  const loaded = await readConfig(options, env);
  const log = new Log(settingsOf(loaded), (line) => terminal.talk(line));
  const service = await asCommandErrors(() => openService(loaded, log, env));
  try {
    // A hang-up that comes while another is being followed waits its turn.
    let following: Promise<void> = Promise.resolve();
    context.onHangup?.(() => {
      following = following.then(() => reload(context, options, service, log));
    });
    terminal.out(options.json === true ? readyLine(service) : readySentence(loaded, service));
    if (!ending.aborted) await Promise.race([once(ending, 'abort'), service.failure]);
    await following;
  } finally {
    await service.close();
  }
}

/** Never rejects: a domain that runs goes on with what it has. */
async function reload({ env }: Context, options: ServeOptions, service: Service, log: Log): Promise<void> {
  try {
    const next = await readConfig(options, env);
    const later = await service.reload(next);
    log.use(settingsOf(next));
    log.info(`The configuration ${next.file} was read again and is in force.`, { event: 'reloaded' });
    for (const sentence of later) log.warn(sentence, { event: 'reload-incomplete' });
  } catch (error) {
    log.error(`The configuration was not taken over, and the old one stays: ${sentenceOf(error)}`, {
      event: 'reload-refused',
    });
  }
}

function settingsOf({ config: { log } }: LoadedConfig): LogSettings {
  const { level, format } = log;
  return { level, format: format === 'auto' ? (process.stderr.isTTY ? 'text' : 'json') : format };
}

function sentenceOf(error: unknown): string {
  if (error instanceof CommandError) return error.message;
  if (error instanceof ConfigError) return error.problems[0]?.sentence ?? '';
  return error instanceof Error ? error.message : String(error);
}

/** Field by field: nothing else may slip in. */
function readyLine({ operationsPort, running }: Service): string {
  const { domain, mqtt, mqtts, relay, ws, wss } = running;
  return JSON.stringify({
    ready: true,
    domain,
    mqtt,
    mqtts,
    relay,
    ws: at(ws),
    wss: at(wss),
    operationsPort,
  });
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
