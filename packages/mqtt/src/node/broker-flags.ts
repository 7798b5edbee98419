// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util';
import { isTopicFilter } from '../topic.ts';

/** What the bare broker is told on its command line. */
export interface BrokerFlags {
  /** 0: a free one. */
  readonly port: number;
  /** Told to every client that asks for more, or for none. */
  readonly serverKeepAliveSeconds: number | undefined;
  readonly receiveMaximum: number | undefined;
  readonly topicAliasMaximum: number | undefined;
  /** Subscriptions that these match are refused. */
  readonly denySubscribe: readonly string[];
}

const uint16Max = 0xffff;
const denySubscribeMax = 100;

/** A string is the one sentence about what is wrong. */
export function parseBrokerFlags(args: readonly string[]): BrokerFlags | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        port: { type: 'string', default: '1883' },
        'server-keep-alive': { type: 'string' },
        'receive-maximum': { type: 'string' },
        'topic-alias-maximum': { type: 'string' },
        'deny-subscribe': { type: 'string', multiple: true, default: [] },
      },
    });
    return {
      port: numberOf('port', values.port, 0),
      serverKeepAliveSeconds: optionalNumberOf('server-keep-alive', values['server-keep-alive'], 1),
      receiveMaximum: optionalNumberOf('receive-maximum', values['receive-maximum'], 1),
      topicAliasMaximum: optionalNumberOf('topic-alias-maximum', values['topic-alias-maximum'], 0),
      denySubscribe: filtersOf(values['deny-subscribe']),
    };
  } catch (error) {
    return firstSentence((error as Error).message);
  }
}

function optionalNumberOf(name: string, text: string | undefined, min: number): number | undefined {
  return text === undefined ? undefined : numberOf(name, text, min);
}

function numberOf(name: string, text: string, min: number): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Infinity;
  if (value < min || value > uint16Max)
    throw new RangeError(`--${name} must be a whole number from ${min} to ${uint16Max}`);
  return value;
}

function filtersOf(filters: readonly string[]): readonly string[] {
  if (filters.length > denySubscribeMax)
    throw new RangeError(`--deny-subscribe can be said ${denySubscribeMax} times`);
  if (!filters.every(isTopicFilter)) throw new RangeError('--deny-subscribe must be a topic filter');
  return filters;
}

/** Node adds advice to the sentence that says what is wrong. */
function firstSentence(text: string): string {
  const [first = text] = text.split(/\. |\n/);
  return first.replace(/\.$/, '');
}
