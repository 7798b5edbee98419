// SPDX-License-Identifier: Apache-2.0
export { connectWebSocket } from './connect.ts';
export type { ConnectWebSocketOptions } from './connect.ts';
