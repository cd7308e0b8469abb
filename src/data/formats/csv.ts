/** Rows of CSV (and TSV) files by RFC 4180, first line the header. All values are strings. */
import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { counted } from '../../util/counted.js';
import { InputError, messageOf } from '../../util/errors.js';
import { fileTexts, type JsonRow } from '../../util/files.js';
import { type FileRows, rowLabel } from './file-rows.js';

/** @throws InputError naming the row (and line) that does not fit the header, or a bad header. */
export async function readCsvRows(path: string): Promise<FileRows> {
  const table = await parseTable(path);
  const [header, ...body] = table;
  if (header === undefined)
    throw new InputError({ where: path, problem: 'the file has no header' });
  checkHeader(path, header);
  const where = (index: number) => rowLabel(path, index);
  const rows = body.map((cells, index): JsonRow => {
    if (cells.length === header.length) return Object.fromEntries(zip(header, cells));
    throw new InputError({
      where: where(index),
      problem: `${counted(cells.length, 'value')} for the header's ${counted(header.length, 'column')}`,
      remedy: 'Values with commas, quotes or line breaks need double quotes around them',
    });
  });
  return { rows, where };
}

const delimiterOf = (path: string): string => (path.toLowerCase().endsWith('.tsv') ? '\t' : ',');

/** What values are divided by in tables of any kind. */
const DIVIDERS = [';', '\t', '|', ','];

async function parseTable(path: string): Promise<string[][]> {
  const table: string[][] = [];
  const parser = parse({
    delimiter: delimiterOf(path),
    relax_column_count: true,
    skip_empty_lines: true,
  });
  try {
    await pipeline(fileTexts(path), parser, async (records) => {
      for await (const cells of records) table.push(cells as string[]);
    });
    return table;
  } catch (error) {
    if (error instanceof InputError) throw error;
    if (error instanceof CsvError && error.code === 'CSV_QUOTE_NOT_CLOSED') {
      // The parser names the last line of the file; the header counts among its records.
      const records = Number(error.records);
      throw new InputError({
        where: records === 0 ? `${path}:1` : rowLabel(path, records - 1),
        problem: 'not valid CSV: a quote opens here and is never closed',
        remedy: 'Close it. A quote that belongs to a value is written twice, inside quotes',
      });
    }
    const lines = error instanceof CsvError ? Number(error.lines) : Number.NaN;
    const where = Number.isNaN(lines) ? path : `${path}:${lines}`;
    throw new InputError({ where, problem: `not valid CSV: ${messageOf(error)}` });
  }
}

function checkHeader(path: string, header: readonly string[]): void {
  const [only = '', ...others] = header;
  const divider = DIVIDERS.find((each) => each !== delimiterOf(path) && only.includes(each));
  if (others.length === 0 && divider !== undefined) {
    throw new InputError({
      where: path,
      problem: `its header is one column, ${JSON.stringify(only)}: ${JSON.stringify(divider)} does not divide values here`,
      remedy: 'Divide them by commas in a .csv file, by tabs in a .tsv file',
    });
  }
  const repeated = header.find((name, index) => header.indexOf(name) !== index);
  if (repeated === undefined) return;
  throw new InputError({ where: path, problem: `the header names the column "${repeated}" twice` });
}

function zip(header: readonly string[], cells: readonly string[]): [string, string][] {
  return header.map((name, index) => [name, cells[index] ?? '']);
}
