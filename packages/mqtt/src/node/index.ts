// SPDX-License-Identifier: Apache-2.0
export { connectTcp, connectTls } from './connect.ts';
export type { ConnectedTransport, ConnectOptions, ConnectTlsOptions } from './connect.ts';
export type { Entered, Gate } from './doorway.ts';
export { listenTcp, listenTls } from './listen.ts';
export type { Acceptor, Listener, ListenOptions, ListenTlsOptions, TlsListener } from './listen.ts';
export { listenWebSocket, webSocketPath } from './listen-web-socket.ts';
export type { ListenWebSocketOptions } from './listen-web-socket.ts';
export { isLoopbackAddress, isLoopbackHost } from './loopback.ts';
export { transportInfoOf, transportOf } from './transport.ts';
