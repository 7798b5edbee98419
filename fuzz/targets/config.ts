// SPDX-License-Identifier: Apache-2.0
// What an operator writes: the configuration file with its environment and flags, and an account's profile.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readProfile } from '@sealpost/client/node';
import { parseAddress, parseDomain } from '@sealpost/protocol';
import { ConfigError, keyNames, loadConfig } from '@sealpost/server';
import type { Random } from '../engine/random.ts';
import { holds, type Target } from '../target.ts';
import { bytesOf } from './vectors.ts';

export const config: Target = {
  name: 'config',
  invariant:
    'A configuration is taken or refused with sentences that can be shown on one line each; what is taken has names that ' +
    'parse and an origin for every value. A profile is taken or refused.',
  inputBytesMax: 4096,
  hangMs: 1000,
  async open() {
    const directory = await mkdtemp(join(tmpdir(), 'sealpost-fuzz-config-'));
    const file = join(directory, 'sealpost.toml');
    const profile = join(directory, 'profile.json');
    return {
      seeds: samples.map(bytesOf),
      dictionary: words.map(bytesOf),
      vary,
      run: (input) => (input[0] === profileMark ? readOne(input.subarray(1), profile) : load(input, file)),
      close: () => rm(directory, { recursive: true, force: true }),
    };
  },
};

/** Behind this byte, which begins no TOML, stands a profile. */
const profileMark = 0x21;
/** Behind this byte come environment and flags, one a line. */
const divider = 0;

const samples = [
  'domain = "home.test"\n[listen]\nmqtt = "127.0.0.1:1883"\nmqtts = "[::]:8883"\nrelay = ":::0"\n',
  'domain = "home.test"\ndata = "d"\nhost = "h"\n[log]\nlevel = "info"\nformat = "json"\n[limits]\nconnections = 5\n',
  `domain = "home.test"\n[[peer]]\ndomain = "fire.test"\naddress = "h:1"\nanchor = "sha256:${'0a'.repeat(32)}"\n[[peer]]\ndomain="a.b"\nanchor_file="f"\n`,
  'domain = "home.test"\n\0SEALPOST_LISTEN_MQTTS=[::]:1\nSEALPOST_LOG_LEVEL=debug\nlog.format=text\nlimits.connections=7',
  '!null',
  '!{"address":"a@home.test","mqtt":{"host":"h","port":1883},"anchors":[{"domain":"home.test","authorityFiles":["a.pem"]}]}',
  '!{"address":"a@home.test","mqtts":{"host":"h","port":8883,"caFile":"c"},"password":"p","certFile":"c","keyFile":"k","anchors":[]}',
];

const words = [
  ...keyNames,
  ...keyNames.map((name) => `SEALPOST_${name.toUpperCase().replaceAll('.', '_')}`),
  '[[peer]]',
  '[peer]',
  '[listen]',
  'domain = ',
  ' = """',
  "'''",
  '"\\u001b"',
  '{ a = 1 }',
  '!null',
  '!{}',
  '65536',
  '[[1], [2]]',
  '1979-05-27T07:32:00Z',
  '0x7fffffffffffffff',
  '-nan',
  '1e999',
  '__proto__',
  'constructor',
  '_FILE',
  '=',
  '\0',
  '"port":',
  'null',
  '"anchors":[',
];

function vary(input: Uint8Array, random: Random): Uint8Array {
  const lines = Buffer.from(input).toString('utf8').split('\n');
  const at = random.below(lines.length + 1);
  const line = random.chance(3)
    ? `${random.pick(words)} = ${random.pick(values)}`
    : `${random.pick(keyNames)}${random.pick([' = ', '=', '.x = '])}${random.pick(values)}`;
  lines.splice(at, random.below(3), line);
  return bytesOf(lines.join('\n'));
}

const values = [
  '"127.0.0.1:65536"',
  '"home.test"',
  '"127.0.0.1:1"',
  '"[::1]:2"',
  '1',
  '-1',
  '1.5',
  'true',
  '[]',
  '["a"]',
  '{}',
  '"debug"',
  '""',
] as const;

async function load(input: Uint8Array, file: string): Promise<string> {
  const cut = input.indexOf(divider);
  const toml = cut < 0 ? input : input.subarray(0, cut);
  const settings =
    cut < 0
      ? []
      : Buffer.from(input.subarray(cut + 1))
          .toString('utf8')
          .split('\n');
  await writeFile(file, toml);
  const variables = settings.filter((one) => one.startsWith('SEALPOST_')).map((one) => one.split('=', 2));
  const env = Object.fromEntries(variables.map(([name = '', value = '']) => [name, value]));
  const flags = settings.filter((one) => !one.startsWith('SEALPOST_') && one !== '');
  try {
    const { config, written, origins, at } = await loadConfig({ file, env, flags });
    const domain = parseDomain(config.domain);
    holds(domain.ok && domain.value === config.domain, 'a domain that is none');
    for (const peer of config.peer) holds(parseDomain(peer.domain).ok, 'a peer that is no domain');
    const { origins: _origins, ...places } = config.listen;
    for (const place of Object.values(places))
      holds(place === undefined || place.port < 65_536, 'a port that is none');
    for (const name of Object.keys(written)) holds(origins.has(name), `no origin of ${name}`);
    holds(at(config.data).length > 0, 'a path that is none');
    return `taken, ${Object.keys(written).length} values`;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    holds(error.problems.length > 0, 'refused without a problem');
    for (const { sentence } of error.problems) {
      holds(sentence.length > 10 && sentence.length < 10_000, 'a sentence that says nothing, or too much');
      holds(!/\p{Cc}/u.test(sentence), 'a sentence with control characters');
    }
    return `refused: ${error.problems[0]?.sentence.replaceAll(/".*"|\/\S+|\d+/g, '…').slice(0, 60)}`;
  }
}

async function readOne(input: Uint8Array, file: string): Promise<string> {
  await writeFile(file, input);
  const read = await readProfile(file);
  if (!read.ok) return `profile ${read.refusal.code}`;
  const { address, anchors, mqtt, mqtts } = read.value;
  holds(parseAddress(address).ok, 'a profile of no address');
  holds(mqtt !== undefined || mqtts !== undefined, 'a profile that leads nowhere');
  holds(
    anchors.every(({ authorityFiles }) => authorityFiles === undefined || authorityFiles.length > 0),
    'an anchor without a file',
  );
  return 'profile';
}
