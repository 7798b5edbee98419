// SPDX-License-Identifier: Apache-2.0
/**
 * How the time of a match grows with the number of subscriptions: 1,000 and 100,000 of them, with wildcards at every
 * level, over vocabularies so large that a topic is matched by about as many in both; the same for retained messages
 * that a filter finds. Quote the ratios. `node --conditions=sealpost-source bench/topic-tree.ts`
 */
import { RetainedStore, SubscriptionTree } from '@sealpost/mqtt/server';

const depth = 6;
const topicsCount = 200;
const rounds = 200;
const sizes = [1_000, 100_000] as const;
/** With each size: the last filter or topic meets as many of its like as the first. */
const wordsPerLevel = new Map<number, number>([
  [1_000, 5],
  [100_000, 11],
]);

/** Park and Miller: the same figures in every run. */
let state = 1;
function random(below: number): number {
  state = (state * 48_271) % 2_147_483_647;
  return state % below;
}

function levels(count: number, words: number): string[] {
  return Array.from({ length: count }, (_, level) => `w${level}-${random(words)}`);
}

/** Of each ten, two have `+` at two levels, two at one, one ends with `#`. */
function filterOf(words: number): string {
  const parts = levels(depth, words);
  const kind = random(10);
  if (kind < 2) parts[random(depth)] = '+';
  if (kind < 4) parts[random(depth)] = '+';
  if (kind === 4) parts[depth - 1] = '#';
  return parts.join('/');
}

interface Figure {
  readonly micros: number;
  readonly matches: number;
}

function matching(subscriptions: number): Figure & { readonly nodes: number } {
  const words = wordsPerLevel.get(subscriptions) ?? 1;
  const tree = new SubscriptionTree<number, number>();
  for (let n = 0; n < subscriptions; n++) tree.add(n, filterOf(words), n);
  const topics = Array.from({ length: topicsCount }, () => levels(depth, words).join('/'));
  return {
    ...measure((count) => {
      for (const topic of topics) tree.match(topic, count);
    }),
    nodes: tree.nodes,
  };
}

function finding(retained: number): Figure {
  const words = wordsPerLevel.get(retained) ?? 1;
  const store = new RetainedStore({
    retainedMax: Infinity,
    retainedBytesMax: Infinity,
    retainedPerAccount: Infinity,
    retainedBytesPerAccount: Infinity,
  });
  const payload = Uint8Array.of(1);
  for (let n = 0; n < retained; n++) {
    const topic = `${levels(depth, words).join('/')}/${n}`;
    store.keep(
      {
        publish: { topic, payload, qos: 1, retain: true, userProperties: [] },
        account: '',
        expiresAt: undefined,
      },
      0,
    );
  }
  const filters = Array.from({ length: topicsCount }, () => {
    const parts = levels(depth, words);
    parts[depth - 1] = '+';
    return `${parts.join('/')}/#`;
  });
  return measure((count) => {
    for (const filter of filters) store.matching(filter, 0, count);
  });
}

/** Per topic or filter. */
function measure(run: (count: () => void) => void): Figure {
  let matches = 0;
  const count = (): void => void matches++;
  run(count);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    matches = 0;
    const began = performance.now();
    run(count);
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  return {
    micros: ((times[rounds >> 1] ?? 0) * 1000) / topicsCount,
    matches: matches / topicsCount,
  };
}

function show(name: string, small: Figure, large: Figure): void {
  const [few, many] = [small, large].map(
    ({ micros, matches }) => `${micros.toFixed(2)} µs and ${matches.toFixed(2)} matches`,
  );
  console.log(
    `${name}: ${few} with ${sizes[0]}, ${many} with ${sizes[1]}: ` +
      `${(large.micros / small.micros).toFixed(2)} times as long for ${sizes[1] / sizes[0]} times as many`,
  );
}

/** Both at each level and the topic one level short of all: every way is followed and none ends in a match. */
function deadEnds(depth: number): void {
  const tree = new SubscriptionTree<number, number>();
  const filters = 2 ** depth;
  for (let n = 0; n < filters; n++) {
    const parts = Array.from({ length: depth }, (_, level) => ((n >> level) % 2 === 0 ? '+' : 'a'));
    tree.add(n, [...parts, 'b'].join('/'), n);
  }
  const topic = [...Array.from({ length: depth }, () => 'a'), 'c'].join('/');
  const began = performance.now();
  for (let round = 0; round < rounds; round++) tree.match(topic, () => undefined);
  const micros = ((performance.now() - began) * 1000) / rounds;
  console.log(
    `worst case, ${filters} filters that all fail at the last of ${depth + 1} levels: ${micros.toFixed(0)} µs`,
  );
}

show('a topic against subscriptions', matching(sizes[0]), matching(sizes[1]));
show('a filter against retained messages', finding(sizes[0]), finding(sizes[1]));
deadEnds(10);
deadEnds(16);
