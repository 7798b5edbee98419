// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { writeWhole } from '@sealpost/identity/node';
import { accept, parseAddress, refuse } from '@sealpost/protocol';
import type { Result } from '@sealpost/protocol';

/** Where an account listener is. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface TlsEndpoint extends Endpoint {
  /** PEM of the authority that the listener's TLS certificate leads to; the system's authorities unless given. */
  readonly caFile?: string;
}

export interface ProfileAnchor {
  readonly domain: string;
  /** PEM files of the authorities that certify this domain's accounts and seals. */
  readonly authorityFiles?: readonly string[];
  /** With or instead of them: `sha256:…` of the authorities' keys, as `sealpost init` prints it. */
  readonly keyHashes?: readonly string[];
}

/**
 * How one account signs in and whom it believes: a JSON file of mode 0600. Paths are relative to the file; in memory
 * they are absolute.
 */
export interface Profile {
  readonly address: string;
  readonly kind?: string;
  /** Plain MQTT: on the same machine only. */
  readonly mqtt?: Endpoint;
  readonly mqtts?: TlsEndpoint;
  readonly username?: string;
  readonly password?: string;
  /** PEM: the account's certificate, and its private key. With both, messages carry origin seals. */
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly anchors: readonly ProfileAnchor[];
}

export async function readProfile(file: string): Promise<Result<Profile>> {
  const text = await readFile(file, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse('property-invalid', `${file} is not JSON`);
  }
  const profile = checkProfile(value);
  return profile === undefined
    ? refuse('property-invalid', `${file} is not a profile`)
    : accept(resolvePaths(profile, dirname(resolve(file))));
}

/** Replaces the file; nobody else may read it. */
export async function writeProfile(file: string, profile: Profile): Promise<void> {
  await writeWhole(file, `${JSON.stringify(profile, undefined, 2)}\n`, 0o600);
}

function resolvePaths(profile: Profile, directory: string): Profile {
  const { mqtts, certFile, keyFile, anchors } = profile;
  const at = (path: string): string => resolve(directory, path);
  return {
    ...profile,
    ...(mqtts?.caFile === undefined ? {} : { mqtts: { ...mqtts, caFile: at(mqtts.caFile) } }),
    ...(certFile === undefined ? {} : { certFile: at(certFile) }),
    ...(keyFile === undefined ? {} : { keyFile: at(keyFile) }),
    anchors: anchors.map(({ authorityFiles, ...anchor }) => ({
      ...anchor,
      ...(authorityFiles === undefined ? {} : { authorityFiles: authorityFiles.map(at) }),
    })),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function checkProfile(value: unknown): Profile | undefined {
  if (!isFields(value)) return undefined;
  const { address, anchors, mqtt, mqtts } = value;
  const texts = ['kind', 'username', 'password', 'certFile', 'keyFile'].map((name) => value[name]);
  if (typeof address !== 'string' || !parseAddress(address).ok) return undefined;
  if (!texts.every((text) => text === undefined || typeof text === 'string')) return undefined;
  if (mqtt === undefined && mqtts === undefined) return undefined;
  if (mqtt !== undefined && !isEndpoint(mqtt)) return undefined;
  if (mqtts !== undefined && !isEndpoint(mqtts)) return undefined;
  if (!Array.isArray(anchors) || !anchors.every(isAnchor)) return undefined;
  return value as unknown as Profile;
}

function isEndpoint(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { host, port, caFile } = value;
  const hasPort = Number.isInteger(port) && Number(port) > 0 && Number(port) < 65_536;
  return typeof host === 'string' && hasPort && (caFile === undefined || typeof caFile === 'string');
}

function isAnchor(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { domain, authorityFiles = [], keyHashes = [] } = value;
  if (!isTexts(authorityFiles) || !isTexts(keyHashes)) return false;
  if (!keyHashes.every((hash) => keyHashForm.test(hash))) return false;
  return typeof domain === 'string' && authorityFiles.length + keyHashes.length > 0;
}

/** The digest, in hexadecimal digits. */
export const keyHashForm = /^sha256:([0-9a-f]{64})$/;

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
