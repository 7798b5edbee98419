// SPDX-License-Identifier: Apache-2.0
// Who may import whom. This file is the authority; docs/architecture.md shows the same tables and the check compares.

/** A row lists what its name may import. What has no row may import nothing and is reported. */
export type Edges = Readonly<Record<string, readonly string[]>>;

/** Packages, by folder name. Tests may import their own package and `testing` besides. */
export const packageEdges: Edges = {
  protocol: [],
  identity: ['protocol'],
  mqtt: [],
  client: ['protocol', 'identity', 'mqtt'],
  server: ['protocol', 'identity', 'mqtt'],
  gateway: ['protocol', 'identity', 'client'],
  inbox: ['protocol', 'identity', 'client'],
  cli: ['protocol', 'identity', 'client', 'server'],
  testing: ['protocol', 'identity', 'mqtt', 'client', 'server', 'gateway', 'inbox', 'cli'],
};

/** The package that only tests may import. */
export const testOnlyPackage = 'testing';

/**
 * Folders of packages/server/src, lowest first; a file that lies directly in src stands under its own name. A file
 * that needs more than the rest of its folder, or that not everyone may import, has a row of its own
 * (`schedule/expiry`). The table must be free of cycles.
 */
export const serverEdges: Edges = {
  sqlite: [],
  limits: [],
  accounts: ['limits', 'sqlite'],
  config: ['estate', 'limits'],
  estate: [],
  schedule: [],
  certificates: [],
  message: ['schedule'],
  observe: [],
  custody: ['message', 'observe', 'schedule', 'sqlite'],
  backup: ['accounts', 'certificates', 'custody', 'sqlite'],
  evidence: ['accounts', 'custody', 'message', 'schedule'],
  submission: ['accounts', 'custody', 'evidence', 'limits', 'message', 'schedule'],
  delivery: ['accounts', 'custody', 'evidence', 'message', 'schedule'],
  'schedule/expiry': ['custody', 'delivery', 'evidence', 'message', 'schedule'],
  front: ['accounts', 'delivery', 'evidence', 'limits', 'message', 'observe', 'schedule', 'submission'],
  relay: ['accounts', 'custody', 'delivery', 'evidence', 'front', 'limits', 'message', 'observe', 'schedule'],
  operations: ['custody', 'observe', 'schedule'],
};

/** The composition roots of the server: they alone may import every folder, and no folder may import them. */
export const compositionRoots: readonly string[] = ['domain', 'federation', 'init', 'serve', 'index'];

/** Packages that run in a browser, and the one folder under src where `node:` is allowed all the same. */
export const browserPackages: Readonly<Record<string, string | undefined>> = {
  protocol: undefined,
  identity: 'node',
  mqtt: 'node',
  client: 'node',
  inbox: undefined,
};

/** Bundled for a browser; must come out without any `node:`. */
export const browserEntries: readonly string[] = [
  'packages/client/src/index.ts',
  'packages/client/src/web/index.ts',
];

/** Drives any implementation through a process, so it must not know ours. */
export const independentFiles: readonly string[] = ['conformance/run.ts'];

/** Folders outside packages/ whose sources are read too. What they import is declared in the root manifest. */
export const rootFolders: readonly string[] = ['tools', 'conformance', 'e2e', 'fuzz', 'bench'];
