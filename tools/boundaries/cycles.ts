// SPDX-License-Identifier: Apache-2.0

export type Graph = ReadonlyMap<string, readonly string[]>;

/** One cycle per knot of the graph, each as the names along it, the first repeated at the end. */
export function findCycles(graph: Graph): string[][] {
  const finished = new Set<string>();
  const path: string[] = [];
  const onPath = new Set<string>();
  const cycles: string[][] = [];

  function visit(name: string): void {
    if (onPath.has(name)) cycles.push([...path.slice(path.indexOf(name)), name]);
    if (onPath.has(name) || finished.has(name)) return;
    path.push(name);
    onPath.add(name);
    for (const next of graph.get(name) ?? []) visit(next);
    path.pop();
    onPath.delete(name);
    finished.add(name);
  }

  for (const name of graph.keys()) visit(name);
  return cycles;
}
