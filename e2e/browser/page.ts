// SPDX-License-Identifier: Apache-2.0
// What runs in the browser: the SDK, and a few handles for the test to pull.
import type { Client, EvidenceNotice } from '@sealpost/client';
import { connectWeb, decodePem, importPrivateKey, webSigner } from '@sealpost/client/web';
import type { WebAnchor } from '@sealpost/client/web';

export interface PageAccount {
  readonly url: string;
  readonly account: string;
  readonly password: string;
  readonly anchors: readonly WebAnchor[];
  /** PEM: certificate and private key. */
  readonly certificate: string;
  readonly key: string;
  /** PEM: of the domain's authority. */
  readonly authority: string;
}

interface Told {
  readonly text: string | undefined;
  readonly from: string;
  readonly sealClass: string | undefined;
}

let client: Client;
const told: Told[] = [];
const states: string[] = [];

async function start(given: PageAccount): Promise<void> {
  const [leaf = new Uint8Array(0)] = decodePem(given.certificate, 'CERTIFICATE');
  const [key = new Uint8Array(0)] = decodePem(given.key, 'PRIVATE KEY');
  const signer = await webSigner({
    certificateDer: leaf,
    chain: [leaf, ...decodePem(given.authority, 'CERTIFICATE')],
    privateKey: await importPrivateKey(key),
  });
  if (!signer.ok) throw new Error(signer.refusal.code);
  const { url, account, password, anchors } = given;
  client = await connectWeb({ url, account, password, anchors, signer: signer.value });
  void readAll();
  void watchStates();
}

async function readAll(): Promise<void> {
  for await (const { text, from, sealClass } of client.messages()) told.push({ text, from, sealClass });
}

async function watchStates(): Promise<void> {
  for await (const { kind } of client.states()) states.push(kind);
}

/** Sends and waits for the proof that it was fetched; what is proved, by whom. */
async function send(to: string, body: string): Promise<Record<string, string>> {
  const sent = await client.send({ to, body, ask: ['delivered', 'fetched'] });
  await sent.until('fetched');
  return Object.fromEntries(sent.timeline.map(proved));
}

function proved({ word, verified }: EvidenceNotice): [string, string] {
  return [word, verified.ok ? verified.value.signer.domain : verified.refusal.code];
}

/** `connectWeb` refuses a bad password as it should; the code. */
async function refusedWith(password: string, given: PageAccount): Promise<string> {
  const { url, account, anchors } = given;
  try {
    await connectWeb({ url, account, password, anchors });
    return 'connected';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

Object.assign(globalThis, { sealpost: { start, send, refusedWith, told, states } });
