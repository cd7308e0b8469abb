/** Tables of text for consoles and summary files. */

export type Cell = string | number | boolean | null | undefined;

/**
 * Aligned columns under a header and a rule; numeric columns are aligned right. Missing cells are
 * empty.
 */
export function textTable(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = rows.map((row) => header.map((_, i) => formatCell(row[i])));
  const widths = header.map((name, i) => longest([name, ...texts.map((row) => row[i] ?? '')]));
  const isRight = header.map((_, i) =>
    rows.every((row) => row[i] === null || row[i] === undefined || typeof row[i] === 'number'),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (isRight[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [line(header), rule, ...texts.map(line)].join('\n');
}

/** Whole numbers as they are, others to four significant digits; null and undefined are empty. */
export function formatCell(cell: Cell): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell !== 'number' || Number.isInteger(cell))
    return String(cell).replace(/\s*\n\s*/g, ' ');
  const size = Math.abs(cell);
  if (size !== 0 && (size < 1e-4 || size >= 1e7))
    return Number(cell.toPrecision(3)).toExponential();
  return String(Number(cell.toPrecision(4)));
}

/** The beginning of a SHA-256, which tells two apart; other texts as they are. */
export const shortHash = (text: string): string =>
  /^[0-9a-f]{64}$/.test(text) ? text.slice(0, 12) : text;

/** 0.4567 → "45.7%"; null → "n/a". */
export function percent(share: number | null): string {
  return share === null ? 'n/a' : `${(100 * share).toFixed(1)}%`;
}

/** Metrics that are shares of 1. */
const SHARES =
  /^(?:(?:flexible_)?accuracy(?:_low|_high)?|\w+_proportion|(?:format|truncation)_rate|(?:pass|maj)@\d+)$/;

/** A metric for people: shares in percent. */
export const metricText = (name: string, value: Cell): string =>
  typeof value === 'number' && SHARES.test(name) ? percent(value) : formatCell(value);

/** 75 → "1 min 15 s"; 3725 → "1 h 2 min"; 0.25 → "0.3 s". */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function longest(texts: readonly string[]): number {
  return texts.reduce((width, text) => Math.max(width, text.length), 0);
}
