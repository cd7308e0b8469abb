/** One answer of a preference row as a token sequence. */
import type { DpoConfig } from '../config/index.js';
import type { MaskedSequence } from '../model/index.js';
import { renderExample, type Tokenizer } from '../tokenizer/index.js';
import { InputError } from '../util/errors.js';
import type { JsonRow } from '../util/files.js';
import { promptRow, renderOptions } from './dataset.js';

export type AnswerSide = 'chosen' | 'rejected' | 'completion';

export interface AnswerSource {
  readonly tokenizer: Tokenizer;
  readonly config: DpoConfig;
  readonly where: string;
}

export function answerOf(row: JsonRow, side: AnswerSide, source: AnswerSource): MaskedSequence {
  const completion = row[side];
  if (completion === undefined) {
    throw new InputError({
      where: source.where,
      problem: `no column "${side}" (it has ${Object.keys(row).join(', ')})`,
      remedy:
        'A pair needs question (or prompt), chosen and rejected; map others by dataset.columns',
    });
  }
  const chatRow = { ...promptRow(row), completion };
  return renderExample(source.tokenizer, chatRow, renderOptions(source.config, source.where));
}
