// SPDX-License-Identifier: Apache-2.0

/** A topic a message can be published to: not empty, no wildcard [MQTT-4.7.3-1], [MQTT-4.7.0-1], [MQTT3-4.7.1-1]. */
export function isTopicName(text: string): boolean {
  return text.length > 0 && !text.includes('#') && !text.includes('+');
}

/** `#` only as the last level, `+` only as a whole level [MQTT-4.7.1-1], [MQTT-4.7.1-2]. */
export function isTopicFilter(text: string): boolean {
  if (text.length === 0) return false;
  const levels = text.split('/');
  return levels.every((level, index) => {
    if (level === '#') return index === levels.length - 1;
    return level === '+' || isTopicName(level) || level.length === 0;
  });
}

export function startsWithWildcard(filter: string): boolean {
  return filter.startsWith('#') || filter.startsWith('+');
}

const sharePrefix = '$share/';

export function isShared(filter: string): boolean {
  return filter === '$share' || filter.startsWith(sharePrefix);
}

/** Undefined: not `$share/{ShareName}/{filter}` [MQTT-4.8.2-1], [MQTT-4.8.2-2]. */
export function parseShared(text: string): { shareName: string; filter: string } | undefined {
  if (!text.startsWith(sharePrefix)) return undefined;
  const end = text.indexOf('/', sharePrefix.length);
  if (end < 0) return undefined;
  const shareName = text.slice(sharePrefix.length, end);
  const filter = text.slice(end + 1);
  return isTopicName(shareName) && isTopicFilter(filter) ? { shareName, filter } : undefined;
}

/**
 * Whether a valid filter matches a valid topic name, level by level and byte for byte [MQTT-4.7.3-4].
 * A filter that begins with a wildcard never matches a topic that begins with `$` [MQTT-4.7.2-1].
 */
export function topicMatches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && startsWithWildcard(filter)) return false;
  let at = 0;
  for (let i = 0; i < filter.length; i++) {
    const character = filter[i];
    if (character === '#') return true;
    if (character === '+') at = endOfLevel(topic, at);
    else if (character === topic[at]) at++;
    // `a/#` matches `a` too.
    else return at === topic.length && character === '/' && filter[i + 1] === '#';
  }
  return at === topic.length;
}

function endOfLevel(topic: string, from: number): number {
  const slash = topic.indexOf('/', from);
  return slash < 0 ? topic.length : slash;
}
