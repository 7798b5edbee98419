// SPDX-License-Identifier: Apache-2.0
// A V8 CPU profile as a flame graph: width is time, a frame stands on its caller. One SVG without scripts; a frame's
// name and share are its tooltip.

/** The part of the .cpuprofile format that is read here (Chrome DevTools protocol, Profiler.Profile). */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  /** Microseconds. */
  readonly timeDeltas: readonly number[];
}

interface Frame {
  readonly name: string;
  readonly place: string;
  readonly children: Map<string, Frame>;
  micros: number;
}

const widthPixels = 1200;
const rowPixels = 17;
const characterPixels = 6.6;
/** Narrower frames are left out. */
const frameShareMin = 0.002;
const idle = new Set(['(idle)', '(program)']);
const loading = /^node:internal\/(modules|process\/execution)/;

/** Waiting and the loading of modules are left out; frames of one function under one caller are one frame. */
export function flameGraph(profile: CpuProfile, title: string): string {
  const root = framesOf(profile);
  const rows: string[] = [];
  let depthMax = 0;
  const draw = (frame: Frame, x: number, depth: number): void => {
    const width = (frame.micros / root.micros) * widthPixels;
    if (frame.micros / root.micros < frameShareMin) return;
    depthMax = Math.max(depthMax, depth);
    rows.push(rectangle(frame, x, depth, width, frame.micros / root.micros));
    let left = x;
    for (const child of [...frame.children.values()].toSorted((a, b) => b.micros - a.micros)) {
      draw(child, left, depth + 1);
      left += (child.micros / root.micros) * widthPixels;
    }
  };
  draw(root, 0, 0);
  const height = (depthMax + 3) * rowPixels;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${widthPixels}" height="${height}" viewBox="0 0 ${widthPixels} ${height}" font-family="monospace" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
<text x="4" y="${rowPixels - 4}" font-size="13">${escape(title)}</text>
<g transform="translate(0 ${rowPixels * 1.5})">
${rows.join('\n')}
</g>
</svg>
`;
}

function framesOf({ nodes, samples, timeDeltas }: CpuProfile): Frame {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map<number, number>();
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node.id);
  const root: Frame = { name: 'busy', place: '', children: new Map(), micros: 0 };
  samples.forEach((id, index) => {
    const micros = timeDeltas[index] ?? 0;
    const stack: Frame[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const node = byId.get(at);
      if (node !== undefined && parents.has(at)) stack.unshift(frameOf(node.callFrame));
    }
    if (stack.length === 0 || stack.some(({ name, place }) => idle.has(name) || loading.test(place))) return;
    root.micros += micros;
    let parent = root;
    for (const frame of stack) {
      const key = `${frame.name} ${frame.place}`;
      const known: Frame = parent.children.get(key) ?? frame;
      parent.children.set(key, known);
      known.micros += micros;
      parent = known;
    }
  });
  return root;
}

function frameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): Frame {
  const file = url.replace(/^.*\/(packages|node_modules)\//, '');
  return {
    name: functionName === '' ? '(anonymous)' : functionName,
    place: file === '' ? '' : `${file}:${lineNumber + 1}`,
    children: new Map(),
    micros: 0,
  };
}

function rectangle(frame: Frame, x: number, depth: number, width: number, share: number): string {
  const y = depth * rowPixels;
  const fits = Math.floor((width - 4) / characterPixels);
  const label = fits < 3 ? '' : frame.name.slice(0, fits);
  const text =
    label === '' ? '' : `<text x="${(x + 2).toFixed(1)}" y="${y + rowPixels - 5}">${escape(label)}</text>`;
  return (
    `<g><title>${escape(`${frame.name} ${frame.place} ${(share * 100).toFixed(1)} %`)}</title>` +
    `<rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(width - 0.5, 0.5).toFixed(1)}" height="${rowPixels - 1}" fill="${colour(frame.place)}"/>${text}</g>`
  );
}

/** One hue a package; Node's own and V8's grey. */
function colour(place: string): string {
  const hues: Record<string, number> = { protocol: 45, identity: 90, mqtt: 200, server: 20, client: 280 };
  const hue = hues[place.split('/')[0] ?? ''];
  return hue === undefined ? '#d8d8d8' : `hsl(${hue} 80% 72%)`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
