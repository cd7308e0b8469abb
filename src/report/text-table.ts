/** Tables of text for consoles and summary files. */
import { largest } from '../util/numbers.js';

export type Cell = string | number | boolean | null | undefined;

/**
 * Aligned columns under a header and a rule; numeric columns are aligned right. Missing cells are empty, long ones
 * go on in further lines.
 */
export function textTable(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const isRight = header.map((_, i) =>
    rows.every((row) => row[i] === null || row[i] === undefined || typeof row[i] === 'number'),
  );
  const texts = rows.map((row) => header.map((_, i) => formatCell(row[i])));
  const [head, ...body] = [header, ...texts].map(linesOfRow);
  const lines = body.flat();
  const widths = header.map((_, i) => largest([...head!, ...lines].map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (isRight[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [...head!.map(line), rule, ...lines.map(line)].join('\n');
}

/** Characters of a cell in one line: a word that is longer would move all columns behind it off the screen. */
const CELL = 60;
const PIECES = new RegExp(`(?=\\S)(?:.{1,${CELL}}(?=\\s|$)|.{${CELL}})`, 'gsu');

/** Cells of a row, broken between words where there are such. */
function linesOfRow(cells: readonly string[]): string[][] {
  const pieces = cells.map((text) => (text.length > CELL ? (text.match(PIECES) ?? []) : [text]));
  const height = Math.max(1, ...pieces.map(({ length }) => length));
  return Array.from({ length: height }, (_, i) => pieces.map((own) => own[i] ?? ''));
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

/** Metrics that are shares of 1, by the last part of a dotted name. */
const SHARES =
  /(?:^|[.])(?:(?:(?:flexible_)?accuracy|coherent_correct)(?:_low|_high)?|\w+_proportion|(?:format|success|truncation)_rate|(?:pass|maj)@\d+)$/;

/** A metric for people: shares in percent. */
export const metricCell = (name: string, value: Cell): Cell =>
  typeof value === 'number' && SHARES.test(name) ? percent(value) : value;

export const metricText = (name: string, value: Cell): string =>
  formatCell(metricCell(name, value));

/** 75 → "1 min 15 s"; 3725 → "1 h 2 min"; 0.25 → "0.3 s". */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
