// SPDX-License-Identifier: Apache-2.0
import { build } from 'esbuild';
import type { BuildFailure, Metafile } from 'esbuild';
import { exists } from './source-tree.ts';
import type { SourceTree } from './source-tree.ts';

function builtinsIn(metafile: Metafile): string[] {
  return Object.entries(metafile.inputs).flatMap(([input, { imports }]) =>
    imports.filter((one) => one.path.startsWith('node:')).map((one) => `${input}: ${one.path}`),
  );
}

/** Bundles an entry as a browser would get it, with every dependency; whatever it needs of Node is a violation. */
export async function checkBrowserBundle(tree: SourceTree, entry: string): Promise<string[]> {
  if (!exists(tree, entry)) return [`${entry}: does not exist, so nothing was bundled`];
  try {
    const { metafile } = await build({
      absWorkingDir: tree.root,
      entryPoints: [entry],
      bundle: true,
      write: false,
      metafile: true,
      platform: 'browser',
      format: 'esm',
      conditions: ['sealpost-source'],
      logLevel: 'silent',
    });
    return builtinsIn(metafile).map((line) => `${line} in the browser bundle of ${entry}`);
  } catch (error) {
    const { errors } = error as BuildFailure;
    return errors.map(
      ({ text, location }) => `${location?.file ?? entry}: ${text} (browser bundle of ${entry})`,
    );
  }
}
