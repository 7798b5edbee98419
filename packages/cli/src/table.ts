// SPDX-License-Identifier: Apache-2.0

/** Columns as wide as their longest cell, two spaces between; no white space at the end of a line. */
export function formatTable(rows: readonly (readonly string[])[], indent = ''): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, width(cell))));
  return rows.map((row) => {
    const cells = row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)));
    return (indent + cells.join('  ')).trimEnd();
  });
}

// Control sequences of styled cells take no room on the screen.
// oxlint-disable-next-line no-control-regex
const styling = /\u001b\[[0-9;]*m/g;

function width(cell: string): number {
  return Array.from(cell.replace(styling, '')).length;
}
