/** Data: sources → rows with provenance, generators, length limits. */
export { makeArithmetic } from './arithmetic.js';
export type { ArithmeticOptions } from './arithmetic-options.js';
export { findContamination } from './contamination.js';
export {
  apportion,
  demonstration,
  ENHANCED_PROMPT,
  FACTORIZATION_SCHEMA,
  type FactorizationRow,
  type FactorizationSplit,
  factorizationQuestion,
  planTiers,
  type RowOptions,
  SPLIT_NAMES,
  SPLIT_SHARES,
  type TierPlan,
} from './factorization/index.js';
export { type FileRows, readRowFile } from './formats/index.js';
export { type LengthLimit, limitLengths } from './lengths.js';
export {
  type LoadedRows,
  loadRows,
  type RowFilter,
} from './load-rows.js';
export {
  isMedicalFile,
  MEDICAL_PROMPTS,
  type MedicalRow,
  medicalFile,
  medicalSplits,
  withPrompt,
} from './medical.js';
export { mixture } from './mixture.js';
export {
  ARITHMETIC_SET,
  type FileDataset,
  NAMED_DATASETS,
  type NamedDataset,
  namedDataset,
} from './named.js';
export { withoutNullForms } from './null-forms.js';
export { packByLength } from './packing.js';
export { type AnsweredPrompt, type PromptPlace, splitPrompt } from './preference-rows.js';
export type { RowFormatName } from './row-formats.js';
export { rowStats } from './row-stats.js';
export { streamRows } from './stream-rows.js';
