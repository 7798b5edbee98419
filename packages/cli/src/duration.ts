// SPDX-License-Identifier: Apache-2.0

const secondsByUnit: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };
const form = /^(?:\d{1,9}[smhdw])+$/;
const part = /(\d{1,9})([smhdw])/g;

/** `90s`, `2m`, `1h30m`, `7d`, `1w`: whole seconds; undefined for anything else, a bare number included. */
export function parseDuration(text: string): number | undefined {
  if (!form.test(text)) return undefined;
  let seconds = 0;
  for (const [, count = '', unit = ''] of text.matchAll(part)) {
    seconds += Number(count) * (secondsByUnit[unit] ?? Number.NaN);
  }
  return seconds;
}
