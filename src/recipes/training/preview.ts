/** `--preview N` of the trainers: rows as they would be trained, and their counts, without training. */
import {
  type PreviewCounts,
  type PreviewRow,
  type PreviewSegment,
  previewText,
} from '../../report/index.js';
import type { RecipeContext } from '../context.js';
import { openModel } from '../inputs/model-source.js';
import type { TrainingRecipe } from './recipe.js';
import type { TrainerConfig } from './trainer-config.js';

/** One sequence of the training data. */
export interface PreviewSequence {
  /** What it is beside its row's number, e.g. `chosen`. */
  readonly part?: string;
  /** Index of its row. */
  readonly row: number;
  readonly ids: readonly number[];
  readonly trained: readonly boolean[];
}

export interface Preview {
  readonly rows: readonly PreviewRow[];
  readonly counts: PreviewCounts;
  /** What was said while the data was read: how many rows, cut ones, left-out ones. */
  readonly notes: readonly string[];
}

export interface PreviewRequest {
  /** Rows shown. */
  readonly count: number;
  readonly context: RecipeContext;
}

/** Reads and renders the data of a training run; TensorFlow is not loaded and nothing is written. */
export async function previewTraining<Config extends TrainerConfig, Inputs>(
  recipe: TrainingRecipe<Config, Inputs>,
  config: Config,
  { count, context }: PreviewRequest,
): Promise<Preview> {
  const notes: string[] = [];
  const reading = { ...context, log: (line: string) => void notes.push(line) };
  const source = await openModel(config, context);
  try {
    const inputs = await recipe.inputs(config, source, reading);
    await recipe.close?.(inputs);
    const sequences = recipe.sequences(inputs);
    const decode = (ids: readonly number[]) => source.tokenizer.decode(ids);
    const shown = sequences.filter(({ row }) => row < count);
    return {
      rows: shown.map((sequence) => previewRow(sequence, decode)),
      counts: countsOf(sequences),
      notes,
    };
  } finally {
    source.close();
  }
}

/** The preview for people. */
export const previewPage = ({ rows, counts, notes }: Preview, colours: boolean): string =>
  [previewText(rows, { counts, colours }), ...notes].join('\n');

function previewRow(
  { row, part, ids, trained }: PreviewSequence,
  decode: (ids: readonly number[]) => string,
): PreviewRow {
  const segments: PreviewSegment[] = [];
  for (let start = 0; start < ids.length; ) {
    const isTrained = trained[start] === true;
    let end = start + 1;
    while (end < ids.length && (trained[end] === true) === isTrained) end++;
    segments.push({ text: decode(ids.slice(start, end)), isTrained });
    start = end;
  }
  const label = part === undefined ? `row ${row + 1}` : `row ${row + 1}, ${part}`;
  return { label, segments, tokens: ids.length, trained: trainedOf(trained) };
}

function countsOf(sequences: readonly PreviewSequence[]): PreviewCounts {
  return {
    sequences: sequences.length,
    tokens: sequences.reduce((sum, { ids }) => sum + ids.length, 0),
    trained: sequences.reduce((sum, { trained }) => sum + trainedOf(trained), 0),
    longest: sequences.reduce((most, { ids }) => Math.max(most, ids.length), 0),
  };
}

const trainedOf = (trained: readonly boolean[]): number => trained.filter(Boolean).length;
