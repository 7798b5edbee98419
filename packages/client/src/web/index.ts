// SPDX-License-Identifier: Apache-2.0
export { decodePem, importPrivateKey, webCrypto, webSigner } from '@sealpost/identity/web';
export type { WebSignerParts } from '@sealpost/identity/web';
export { connectWebSocket } from '@sealpost/mqtt/web';
export { connectWeb } from './connect-web.ts';
export type { ConnectWebOptions, WebAnchor } from './connect-web.ts';
