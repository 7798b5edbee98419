// SPDX-License-Identifier: Apache-2.0
// [ID-21] Private keys on disk. A file appears whole or not at all, and nobody but its owner can ever read it.
import { open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { nodeCrypto } from './crypto-provider.ts';
import { decodePem, encodePem } from './pem.ts';
import { toHex } from '@sealpost/protocol';

const fileBytesMax = 65_536;
const ownerOnly = 0o600;
const readableByAll = 0o644;

/** A certificate, the chain that leads to its authority, and the private key that belongs to it. */
export interface Credential {
  /** DER. */
  readonly certificate: Uint8Array;
  /** DER, the certificate first. */
  readonly chain: readonly Uint8Array[];
  /** PKCS#8 PEM. */
  readonly privateKey: string;
}

/** Durable when it resolves. */
export async function writePrivateKey(path: string, pem: string): Promise<void> {
  await writeWhole(path, pem, ownerOnly);
}

/** Rejects when anybody but the owner may read or write the file. */
export async function readPrivateKey(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { mode, size } = await file.stat();
    if ((mode & 0o077) !== 0)
      throw new Error(`${path}: others may read this private key; make it yours alone with chmod 600`);
    if (size > fileBytesMax) throw new Error(`${path}: too large for a private key`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

export async function writeCertificates(path: string, certificates: readonly Uint8Array[]): Promise<void> {
  await writeWhole(path, encodePem(certificates), readableByAll);
}

/** DER, at least one. */
export async function readCertificates(path: string): Promise<readonly Uint8Array[]> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size > fileBytesMax) throw new Error(`${path}: too large for a few certificates`);
    const certificates = decodePem(await file.readFile('utf8'));
    if (certificates.length === 0) throw new Error(`${path}: no certificate in it`);
    return certificates;
  } finally {
    await file.close();
  }
}

/** `<name>.key` and then `<name>.pem`: where the latter is, the former is too. */
export async function saveCredential(directory: string, name: string, credential: Credential): Promise<void> {
  await writePrivateKey(join(directory, `${name}.key`), credential.privateKey);
  await writeCertificates(join(directory, `${name}.pem`), credential.chain);
}

/** Rejects with ENOENT when there is none. */
export async function loadCredential(directory: string, name: string): Promise<Credential> {
  const chain = await readCertificates(join(directory, `${name}.pem`));
  const privateKey = await readPrivateKey(join(directory, `${name}.key`));
  const [certificate = new Uint8Array(0)] = chain;
  return { certificate, chain, privateKey };
}

/** In the place of what is there, whole or not at all, durable when it resolves; the old file keeps its own readers. */
export async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.${toHex(nodeCrypto.randomBytes(8))}`;
  // Exclusive, and with its final mode from the first byte on.
  const file = await open(temporary, 'wx', mode);
  try {
    await file.writeFile(text);
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close();
    await unlink(temporary);
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** A rename is durable once its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
