/** Preference rows as examples: pairs, or single answers with a label; cut to `max_length`, checked, counted. */
import { isDeepStrictEqual } from 'node:util';
import { answerLoss, type DatasetConfig, type DpoConfig } from '../../config/index.js';
import { limitLengths, type PromptPlace } from '../../data/index.js';
import { type MaskedSequence, promptKey } from '../../model/index.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { type LabelledAnswer, type PreferencePair, preflight } from '../../train/index.js';
import { counted } from '../../util/counted.js';
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { fieldNames } from '../../util/shown.js';
import type { RecipeContext } from '../context.js';
import { sayBeyondContext } from '../inputs/beyond-context.js';
import { loadDataset } from '../inputs/dataset.js';
import type { ModelSource } from '../inputs/model-source.js';
import { sayUnreadFields } from '../inputs/unread-fields.js';
import { heldOutExamples } from '../training/held-out-examples.js';
import { type AnswerSide, answersOf } from './answers.js';

export interface PreferenceExamples<T> {
  readonly train: readonly T[];
  /** Null: the config names no held-out rows. */
  readonly heldOut: readonly T[] | null;
}

interface Placed<T> {
  readonly example: T;
  /** Its row. */
  readonly where: string;
}

/** What a row gives. */
interface Kind<T> {
  readonly examplesOf: (rows: readonly JsonRow[], reader: Reader) => Placed<T>[];
  readonly sequencesOf: (example: T) => readonly MaskedSequence[];
}

interface Reader {
  readonly config: DpoConfig;
  readonly tokenizer: Tokenizer;
  /** What is read. */
  readonly key: 'dataset' | 'eval_dataset';
  readonly where: (row: number) => string;
  readonly log: RecipeContext['log'];
}

/**
 * A reader of `dataset` and `eval_dataset`, the `inputs` of a recipe.
 * @throws GuardError when masks or special tokens are not as they should be.
 */
function reading<T>({ examplesOf, sequencesOf }: Kind<T>) {
  return async (
    config: DpoConfig,
    { tokenizer, spec }: ModelSource,
    context: RecipeContext,
  ): Promise<PreferenceExamples<T>> => {
    const read = async (dataset: DatasetConfig, key: Reader['key']) => {
      const { rows, where } = await loadDataset(dataset, { seed: config.seed, context });
      const { log } = context;
      const { prompt_template: promptTemplate } = config;
      sayUnreadFields(rows, { tokenizer, promptTemplate, where, log });
      return examplesOf(rows, { config, tokenizer, key, where, log });
    };
    const placed = await read(config.dataset, 'dataset');
    const { bosId, eosIds } = tokenizer;
    const parts = placed.flatMap(({ example, where }) =>
      sequencesOf(example).map((sequence) => ({ sequence, where })),
    );
    const sequences = parts.map(({ sequence }) => sequence);
    preflight(sequences, { bosId, eosIds, hasContext: true, where: (i) => parts[i]!.where });
    sayBeyondContext(sequences, { context: spec.maxPositions, log: context.log });
    const heldOut = await heldOutExamples(config, (dataset) => read(dataset, 'eval_dataset'));
    return {
      train: placed.map(({ example }) => example),
      heldOut: heldOut?.map(({ example }) => example) ?? null,
    };
  };
}

export const readPairs = reading<PreferencePair>({
  examplesOf: pairsOf,
  sequencesOf: ({ chosen, rejected }) => [chosen, rejected],
});

export const readAnswers = reading<LabelledAnswer>({
  examplesOf: labelledOf,
  sequencesOf: (answer) => [answer],
});

/** Answers cut to `max_length`, by their index; those of which nothing is left to learn are missing. */
function cutAnswers<T extends MaskedSequence>(
  answers: readonly T[],
  { config, log }: Reader,
): ReadonlyMap<number, T> {
  const { examples, truncated } = limitLengths(answers, {
    maxLength: config.max_length,
    policy: 'truncate',
  });
  if (truncated > 0)
    log(`data: ${counted(truncated, 'answer')} cut to ${counted(config.max_length, 'token')}`);
  return new Map(examples.map(({ example, index }) => [index, example]));
}

const PLACES: Readonly<Record<Exclude<PromptPlace, 'given'>, string>> = {
  shared: 'the prompt is what their answers begin with',
  repeated: 'the prompt stands in front of their answers too, and is dropped there',
  other: 'what their answers begin with is the prompt, their own prompt is another and is not used',
};

/** Says how many rows have their prompt elsewhere than in a column of its own. */
function sayPlaces(
  rows: readonly { readonly place: PromptPlace }[],
  log: RecipeContext['log'],
): void {
  for (const [name, meaning] of Object.entries(PLACES)) {
    const count = rows.filter(({ place }) => place === name).length;
    if (count > 0) log(`data: in ${count} of ${counted(rows.length, 'row')} ${meaning}`);
  }
}

/** Says how many pairs have one text for both answers, by themselves or after the cut. */
function sayAlike(pairs: readonly Placed<PreferencePair>[], log: RecipeContext['log']): void {
  const alike = pairs.filter(({ example: { chosen, rejected } }) =>
    isDeepStrictEqual(chosen.ids, rejected.ids),
  );
  if (alike.length === 0) return;
  log(
    `warning: both answers of ${alike.length} of ${counted(pairs.length, 'pair')} have the same tokens and prefer nothing (the first: ${alike[0]!.where}). Take them out, or raise max_length where they are cut`,
  );
}

/** Pairs of which both answers are left after the cut to `max_length`. */
function pairsOf(rows: readonly JsonRow[], reader: Reader): Placed<PreferencePair>[] {
  const { where, log } = reader;
  const answered = rows.map((row, i) =>
    answersOf(row, ['chosen', 'rejected'], { ...reader, where: where(i) }),
  );
  sayPlaces(answered, log);
  const answers = answered.flatMap(({ sequences }) => sequences);
  const kept = cutAnswers(answers, reader);
  const pairs = rows.flatMap((_, i) => {
    const [chosen, rejected] = [kept.get(2 * i), kept.get(2 * i + 1)];
    if (chosen === undefined || rejected === undefined) return [];
    return [{ example: { chosen, rejected }, where: where(i) }];
  });
  const lost = rows.length - pairs.length;
  if (lost > 0) log(`data: ${counted(lost, 'pair')} left out: cut before their answers`);
  sayAlike(pairs, log);
  return pairs;
}

function labelledOf(rows: readonly JsonRow[], reader: Reader): Placed<LabelledAnswer>[] {
  const { where, log } = reader;
  const answered = rows.map((row, i) => {
    const labels = sidesOf(row, where(i));
    const sides = labels.map(({ side }) => side);
    return { labels, ...answersOf(row, sides, { ...reader, where: where(i) }) };
  });
  sayPlaces(answered, log);
  const answers = answered.flatMap(({ labels, sequences }) =>
    sequences.map((sequence, i) => ({ ...sequence, desirable: labels[i]!.good })),
  );
  const places = answered.flatMap(({ sequences }, i) => sequences.map(() => where(i)));
  const cut = cutAnswers(answers, reader);
  const kept = [...cut.values()];
  const lost = answers.length - kept.length;
  if (lost > 0) log(`data: ${counted(lost, 'answer')} left out: cut before their text`);
  const good = kept.filter(({ desirable }) => desirable).length;
  log(`data: ${good} good and ${counted(kept.length - good, 'bad answer')}`);
  checkPrompts(kept, reader);
  return [...cut].map(([index, example]) => ({ example, where: places[index]! }));
}

/** @throws InputError where kto has no answer to another prompt to compare with. */
function checkPrompts(answers: readonly MaskedSequence[], { config, key }: Reader): void {
  if (answerLoss(config) !== 'kto' || answers.length === 0) return;
  if (new Set(answers.map(promptKey)).size > 1) return;
  throw new InputError({
    where: key,
    problem: `all of its answers (${answers.length}) are to one prompt, and kto compares them with answers to others`,
    remedy: 'Give rows of two prompts or more, or use loss_type=apo_zero_unpaired',
  });
}

/** The answers of a row: one with its label, or the two of a pair. */
function sidesOf(
  row: JsonRow,
  where: string,
): { readonly side: AnswerSide; readonly good: boolean }[] {
  const { completion, label, chosen, rejected } = row;
  if (completion !== undefined && typeof label === 'boolean') {
    return [{ side: 'completion', good: label }];
  }
  if (chosen !== undefined && rejected !== undefined) {
    return [
      { side: 'chosen', good: true },
      { side: 'rejected', good: false },
    ];
  }
  throw new InputError({
    where,
    problem: `neither completion and label (true or false), nor chosen and rejected (it has ${fieldNames(row)})`,
    remedy: 'Map other names by dataset.columns',
  });
}
