// SPDX-License-Identifier: Apache-2.0
export { connectProfile } from './connect-profile.ts';
export type { ConnectProfileOptions } from './connect-profile.ts';
export { dialProfile } from './dial.ts';
export type { Via } from './dial.ts';
export { ProfileError } from './profile-error.ts';
export { readProfile, writeProfile } from './profile.ts';
export type { Endpoint, Profile, ProfileAnchor, TlsEndpoint } from './profile.ts';
