/** How names of files of rows end, in small letters. */
export const ROW_FILE_ENDINGS = [
  '.jsonl',
  '.jsonl.gz',
  '.json',
  '.csv',
  '.tsv',
  '.parquet',
] as const;

export type RowFileEnding = (typeof ROW_FILE_ENDINGS)[number];
