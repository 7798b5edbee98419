// SPDX-License-Identifier: Apache-2.0
// What a newcomer gets wrong, one row each. docs/configuration.md shows the rows with what the command answers.
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeServerCertificate } from '@sealpost/testing';

/** The folder of a domain that was prepared for this one mistake. */
export interface Place {
  readonly folder: string;
  readonly file: string;
  edit(change: (text: string) => string): Promise<void>;
}

export interface Mistake {
  /** As the page names it. */
  readonly name: string;
  /** `FILE` stands for the configuration, `DIR` for its folder. */
  readonly args: string;
  readonly code: number;
  readonly error: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly stdin?: string;
  /** Makes the mistake, where it is not in the command line. */
  make?(place: Place): Promise<void>;
}

const check = 'config check --config FILE';
const add = 'account add bob@home.test --config FILE';

function inFile(name: string, from: RegExp | string, to: string): Mistake {
  return {
    name,
    args: check,
    code: 78,
    error: 'config-invalid',
    make: ({ edit }) => edit((text) => text.replace(from, to)),
  };
}

function atTheEnd(name: string, lines: string): Mistake {
  return inFile(name, /$/, `\n${lines}\n`);
}

function withTls(name: string, make: (folder: string) => Promise<unknown>, tls?: string): Mistake {
  const lines = tls ?? 'certificate_file = "web.pem"\nkey_file = "web.key"';
  return {
    ...atTheEnd(name, `[tls]\n${lines}`),
    async make({ edit, folder }) {
      await make(folder);
      await edit((text) => `${text}\n[tls]\n${lines}\n`);
    },
  };
}

function typed(name: string, args: string, code = 64, error = 'usage', more: Partial<Mistake> = {}): Mistake {
  return { name, args, code, error, ...more };
}

const inNovember2020 = 1_604_188_800;
const hash = `sha256:${'ab'.repeat(32)}`;
const peer = '[[peer]]\ndomain = "fire.test"';

export const mistakes: readonly Mistake[] = [
  inFile('a key with a typing error', 'mqtts =', 'mqtss ='),
  atTheEnd('a table that does not exist', '[logging]\nlevel = "info"'),
  inFile('a text without quotes', '"home.test"', 'home.test'),
  inFile('a domain in capitals', '"home.test"', '"Home.Test"'),
  inFile('no domain', 'domain = "home.test"\n', ''),
  atTheEnd('a word that is not offered', '[log]\nlevel = "verbose"'),
  atTheEnd('a number out of range', '[limits]\nconnections = 0'),
  atTheEnd('a text for a number', '[limits]\nconnections = "many"'),
  inFile('MQTT without TLS for everybody', '"127.0.0.1:1883"', '"0.0.0.0:1883"'),
  inFile('a listener without a port', '"127.0.0.1:8883"', '"127.0.0.1"'),
  inFile('no listener for accounts', /mqtts? = .*\n/g, ''),
  inFile('keys of another domain', '"home.test"', '"fire.test"'),
  { ...inFile('a data folder that was not prepared', '"data"', '"dta"'), error: 'config-missing' },
  atTheEnd('a peer without an anchor', peer),
  atTheEnd('half an anchor', `${peer}\nanchor = "sha256:12ab"`),
  atTheEnd('an anchor that is none', `${peer}\nanchor = "fire.test"`),
  atTheEnd('a peer without a port', `${peer}\naddress = "fire.test"\nanchor = "${hash}"`),
  atTheEnd('a peer twice', `${peer}\nanchor = "${hash}"\n${peer}\nanchor = "${hash}"`),
  atTheEnd('the own domain as a peer', `[[peer]]\ndomain = "home.test"\nanchor = "${hash}"`),
  {
    ...atTheEnd('an anchor file that is not there', `${peer}\nanchor_file = "fire.pem"`),
    error: 'config-missing',
  },
  withTls(
    'a certificate without its key',
    (folder) => makeServerCertificate(folder, 'web'),
    'certificate_file = "web.pem"',
  ),
  withTls('a private key that others can read', async (folder) => {
    await makeServerCertificate(folder, 'web');
    await chmod(join(folder, 'web.key'), 0o644);
  }),
  withTls(
    'the key of another certificate',
    async (folder) => {
      await makeServerCertificate(folder, 'web');
      await makeServerCertificate(folder, 'old');
    },
    'certificate_file = "web.pem"\nkey_file = "old.key"',
  ),
  withTls('a certificate that has expired', (folder) =>
    makeServerCertificate(folder, 'web', { now: () => inNovember2020 }),
  ),
  withTls('a certificate that is something else', async (folder) => {
    await makeServerCertificate(folder, 'web');
    await writeFile(join(folder, 'web.pem'), 'certificate\n');
  }),
  typed('a variable with a typing error', check, 78, 'config-invalid', {
    env: { SEALPOST_LOG_LEVL: 'debug' },
  }),
  typed('a variable that names a missing file', check, 78, 'config-missing', {
    env: { SEALPOST_DOMAIN_FILE: '/run/secrets/domain' },
  }),
  typed('an unknown key behind --set', `${check} --set log.levels=debug`, 78, 'config-invalid'),
  typed('--set without a value', `${check} --set log.level`, 78, 'config-invalid'),
  typed('a file that is not there', 'serve --config DIR/sealpst.toml', 78, 'config-missing'),
  typed('a folder for a file', 'serve --config DIR', 78, 'config-invalid'),
  typed('a domain with a dot at the end', 'init home.test. --directory DIR/new'),
  typed('a domain that is none', 'init home_test --directory DIR/new'),
  typed('init twice', 'init home.test --directory DIR', 78, 'already-there'),
  typed('a command with a typing error', 'acount list'),
  typed('an address without a domain', 'account add bob --config FILE'),
  typed('an address of another domain', 'account add bob@fire.test --config FILE'),
  typed('an unknown kind', `${add} --kind human`),
  typed('an unknown precedence', `${add} --ceiling urgent`),
  typed('a grant that is none', `${add} --grant flsh,device --password-file -`, 64, 'usage', {
    stdin: 'open sesame',
  }),
  typed('a password in the command line', `${add} --password sesame`),
  typed('no password at all', add),
  typed('a password that is too short', `${add} --password-file -`, 64, 'usage', { stdin: 'sesame\n' }),
  typed('a password file that is not there', `${add} --password-file DIR/password`),
  typed(
    'an account twice',
    'account add ann@home.test --generate-password --config FILE',
    65,
    'already-there',
  ),
  typed('an account that is not there', 'account disable bob@home.test --config FILE', 67, 'account-unknown'),
  typed(
    'a credential that is not there',
    'account credential revoke ann@home.test 12 --config FILE',
    65,
    'credential-unknown',
  ),
  typed('a duration that is none', 'send ann@home.test Hello --expires 2min'),
];
