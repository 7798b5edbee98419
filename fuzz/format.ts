// SPDX-License-Identifier: Apache-2.0
import type { CampaignResult } from './engine/campaign.ts';

export const outcomesShown = 6;

/** One line for a campaign, and what came out most often. */
export function formatResult(
  name: string,
  seed: number,
  result: CampaignResult,
  shown = outcomesShown,
): string {
  const { executions, milliseconds, blocks, functions, corpus, outcomes, slowestMs, findings } = result;
  const perSecond = Math.round((executions / milliseconds) * 1000);
  const common = Object.entries(outcomes)
    .slice(0, shown)
    .map(([outcome, count]) => `${outcome} ${((count / Math.max(executions, 1)) * 100).toFixed(1)} %`);
  return [
    `${name}: ${executions} executions in ${Math.round(milliseconds / 1000)} s (${perSecond}/s), ` +
      `${blocks} blocks of ${functions} functions, corpus ${corpus}, slowest ${slowestMs.toFixed(1)} ms, ` +
      `findings ${findings.length}, seed ${seed}`,
    `  ${Object.keys(outcomes).length} outcomes: ${common.join(', ')}`,
  ].join('\n');
}
