// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export function selfSigned(openssl: string, folder: string, name: string): KeyPair {
  const files = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync(
    openssl,
    ['req', '-x509', ...key, '-days', '1', '-keyout', files.key, '-out', files.cert, ...subject],
    { stdio: 'ignore' },
  );
  return { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8') };
}
