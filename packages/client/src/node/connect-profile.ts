// SPDX-License-Identifier: Apache-2.0
import { nodeCrypto } from '@sealpost/identity/node';
import type { Client } from '../client.ts';
import { connect } from '../connect.ts';
import type { ConnectOptions } from '../connect.ts';
import { dialProfile } from './dial.ts';
import type { Via } from './dial.ts';
import { profileAnchors } from './profile-anchors.ts';
import { profileSigner } from './profile-signer.ts';
import { ProfileError } from './profile-error.ts';
import { readProfile } from './profile.ts';
import type { Profile } from './profile.ts';

export interface ConnectProfileOptions extends Pick<
  ConnectOptions,
  | 'clientId'
  | 'receiveMaximum'
  | 'keepAliveSeconds'
  | 'clock'
  | 'failFast'
  | 'startOffline'
  | 'unsentMax'
  | 'unsentBytesMax'
  | 'signal'
> {
  readonly via?: Via;
  /** `domain` leaves sealing to the own domain although the profile has a key. */
  readonly seal?: 'origin' | 'domain';
}

/** Signs in as the profile, or the profile in that file, says. A certificate signs in by itself over TLS; a password is sent only without one. */
export async function connectProfile(
  profileOrFile: Profile | string,
  options: ConnectProfileOptions = {},
): Promise<Client> {
  const profile = typeof profileOrFile === 'string' ? await profileIn(profileOrFile) : profileOrFile;
  const { via, seal, ...rest } = options;
  const anchors = await profileAnchors(profile.anchors);
  const signer = seal === 'domain' ? undefined : await profileSigner(profile);
  const byCertificate = profile.mqtts !== undefined && via !== 'mqtt' && profile.certFile !== undefined;
  return connect({
    ...rest,
    account: profile.address,
    dial: () => dialProfile(profile, via),
    crypto: nodeCrypto,
    anchors,
    ...(byCertificate || profile.password === undefined ? {} : { password: profile.password }),
    ...(signer === undefined ? {} : { signer }),
  });
}

async function profileIn(file: string): Promise<Profile> {
  const read = await readProfile(file);
  if (!read.ok) throw new ProfileError(read.refusal.cause ?? `${file} is not a profile`);
  return read.value;
}
