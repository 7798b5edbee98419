// SPDX-License-Identifier: Apache-2.0
import { access, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrustStore, TrustedCertificate } from '@sealpost/identity';
import { concatBytes, decodeCbor, encodeCbor, toHex, type Domain } from '@sealpost/protocol';

const fileBytesMax = 16 * 1024;
/** Names remembered, so that a certificate that comes again costs no file system. */
const keptMax = 10_000;

const dayMs = 86_400_000;
/**
 * A certificate signs for 397 days at most after it was kept, what it signed lives for 31 days at most, and evidence of
 * that is kept for 13 months: then nothing that is stored names it.
 */
const keptForMs = (397 + 31 + 396) * dayMs;
/** A file that was being written when the process or the disk's room ended. */
const abandonedAfterMs = dayMs;

/**
 * Certificates of stored seals, one small file each, named by hash: a seal in a mailbox names its certificate by
 * hash only, and is shown again after a restart. Reading one back checks it anew against its anchor.
 */
export class CertificateArchive {
  readonly #directory: string;
  readonly #trust: TrustStore;
  readonly #kept = new Set<string>();

  private constructor(directory: string, trust: TrustStore) {
    this.#directory = directory;
    this.#trust = trust;
  }

  static async open(directory: string, trust: TrustStore): Promise<CertificateArchive> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return new CertificateArchive(directory, trust);
  }

  /** Whether there is nothing left to be written. */
  async isKept({ certificate }: TrustedCertificate): Promise<boolean> {
    const name = toHex(certificate.hash);
    return this.#kept.has(name) || exists(join(this.#directory, name));
  }

  /** Durable when it resolves. */
  async keep({ certificate, chain }: TrustedCertificate): Promise<void> {
    const name = toHex(certificate.hash);
    if (this.#kept.has(name)) return;
    const path = join(this.#directory, name);
    if (!(await exists(path))) await this.#write(path, encodeCbor([certificate.der, ...chain.slice(1)]));
    if (this.#kept.size >= keptMax) this.#kept.clear();
    this.#kept.add(name);
  }

  async #write(path: string, content: Uint8Array): Promise<void> {
    const temporary = `${path}.${process.hrtime.bigint()}`;
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    // A rename is durable once its directory is.
    const directory = await open(this.#directory, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  /** Deletes what no stored seal or statement can name any more. */
  async forget(nowMs: number): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name);
      const isWhole = !name.includes('.');
      // It may have got its name, or be gone, meanwhile.
      const found = await stat(path).catch(() => undefined);
      if (found === undefined || nowMs - found.mtimeMs <= (isWhole ? keptForMs : abandonedAfterMs)) continue;
      this.#kept.delete(name);
      await rm(path, { force: true });
    }
  }

  /** Undefined when it was never kept, or no longer leads to its anchor. */
  async find(hash: Uint8Array, domain: Domain): Promise<TrustedCertificate | undefined> {
    const known = this.#trust.known(hash);
    if (known !== undefined) return known;
    const chain = await this.chainOf(hash);
    if (chain.length === 0) return undefined;
    const admitted = await this.#trust.admit(chain, domain);
    return admitted.ok ? admitted.value : undefined;
  }

  /** The certificates as they were kept, whatever became of their validity; empty when there are none. */
  async chainOf(hash: Uint8Array): Promise<readonly Uint8Array[]> {
    const known = this.#trust.known(hash);
    if (known !== undefined) return known.chain;
    return chainIn(this.#directory, hash);
  }
}

/** The certificates that a folder keeps under this hash, leaf first; empty when there are none. */
export async function chainIn(directory: string, hash: Uint8Array): Promise<readonly Uint8Array[]> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(join(directory, toHex(hash)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const decoded = decodeCbor(bytes, { maxBytes: fileBytesMax });
  if (!decoded.ok || !Array.isArray(decoded.value)) return [];
  return decoded.value.filter((der) => der instanceof Uint8Array).map((der) => concatBytes(der));
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
