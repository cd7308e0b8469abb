/** A plain text table for the console. */

export type Cell = string | number | null;

/** Columns padded to their widest cell; numbers on the right with at most four decimals. */
export function formatTable(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const show = (cell: Cell): string =>
    typeof cell === 'number' ? String(Number(cell.toFixed(4))) : (cell ?? '');
  const widths = header.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => show(row[column] ?? null).length)),
  );
  const line = (cells: readonly Cell[]): string =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return typeof cell === 'number' ? show(cell).padStart(width) : show(cell).padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [
    line(header),
    widths.map((width) => '-'.repeat(width)).join('  '),
    ...rows.map(line),
  ].join('\n');
}
