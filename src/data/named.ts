/** Data sets known by name: where their rows are, on the hub and in the folder LORIKEET_DATA. */
import type { JsonRow } from '../util/files.js';
import { makeArithmetic } from './arithmetic.js';
import type { RowFormatName } from './row-formats.js';

interface HubPlace {
  readonly id: string;
  readonly config?: string;
  /** That which holds our only split, where the names differ. */
  readonly split?: string;
  /** Our name → the hub's, of columns whose names differ. */
  readonly columns?: Readonly<Record<string, string>>;
}

export interface FileDataset {
  readonly kind: 'files';
  readonly about: string;
  readonly format: RowFormatName;
  /** Split to file below LORIKEET_DATA. */
  readonly local: Readonly<Record<string, string>>;
  readonly hub: HubPlace;
  /** Splits that can be asked for. */
  readonly splits: readonly string[];
  /** Too large to read whole: `data` streams it, leaving out what is malformed or there twice. */
  readonly isLarge?: boolean;
}

export interface GeneratedDataset {
  readonly kind: 'generated';
  readonly about: string;
  readonly format: RowFormatName;
  readonly splits: readonly string[];
  readonly make: () => Readonly<Record<string, readonly JsonRow[]>>;
}

export type NamedDataset = FileDataset | GeneratedDataset;

/** The set called `arithmetic`; other sizes and seeds are made into files by `lorikeet data`. */
export const ARITHMETIC_SET = { seed: 1, train: 4000, valid: 500, test: 500 } as const;

/** Its splits are those that have a file. */
const files = (set: Omit<FileDataset, 'kind' | 'splits'>): FileDataset => ({
  kind: 'files',
  splits: Object.keys(set.local),
  ...set,
});

export const NAMED_DATASETS = {
  gsm8k: files({
    about: 'GSM8K, grade-school word problems (Cobbe et al. 2021, MIT)',
    format: 'gsm8k',
    local: { train: 'gsm8k/train.jsonl.gz', test: 'gsm8k/test.jsonl' },
    hub: { id: 'openai/gsm8k', config: 'main' },
  }),
  'gsm8k-platinum': files({
    about: 'GSM8K Platinum, the test set with its errors removed (arXiv 2502.03461, CC BY 4.0)',
    format: 'gsm8k',
    local: { test: 'gsm8k_platinum/test.jsonl' },
    hub: { id: 'madrylab/gsm8k-platinum', config: 'main' },
  }),
  math: files({
    about: 'MATH, competition problems (Hendrycks et al. 2021, MIT)',
    format: 'math',
    local: { train: 'math/train_partial.jsonl.gz', test: 'math/test.jsonl.gz' },
    hub: { id: 'DigitalLearningGmbH/MATH-lighteval' },
  }),
  'math-500': files({
    about: 'MATH-500, 500 problems of the MATH test set (Lightman et al. 2023, MIT)',
    format: 'math',
    local: { test: 'math/math500.jsonl' },
    hub: { id: 'HuggingFaceH4/MATH-500' },
  }),
  aime24: files({
    about: 'AIME 2024, 30 problems with whole answers (problems © MAA: for evaluation only)',
    format: 'competition',
    local: { test: 'competition/aime24.jsonl' },
    hub: { id: 'HuggingFaceH4/aime_2024', split: 'train' },
  }),
  aime25: files({
    about: 'AIME 2025, 30 problems with whole answers (problems © MAA: for evaluation only)',
    format: 'competition',
    local: { test: 'competition/aime25.jsonl' },
    hub: { id: 'yentinglin/aime_2025', split: 'train' },
  }),
  amc23: files({
    about: 'AMC 12 of 2023, 40 problems with whole answers (problems © MAA: for evaluation only)',
    format: 'competition',
    local: { test: 'competition/amc23.jsonl' },
    hub: { id: 'math-ai/amc23' },
  }),
  olympiadbench: files({
    about: 'OlympiadBench, open English mathematics without images (He et al. 2024, MIT)',
    format: 'olympiadbench',
    local: { test: 'competition/olympiadbench.jsonl' },
    hub: { id: 'Hothan/OlympiadBench', config: 'OE_TO_maths_en_COMP', split: 'train' },
  }),
  'numina-cot': files({
    about: 'NuminaMath-CoT, 860,000 competition problems with solutions (Apache-2.0)',
    format: 'math',
    local: { train: 'numina_cot/train.jsonl.gz', test: 'numina_cot/test.jsonl.gz' },
    hub: { id: 'AI-MO/NuminaMath-CoT' },
    isLarge: true,
  }),
  'numina-tir': files({
    about: 'NuminaMath-TIR, 70,000 problems with solutions that run code (Apache-2.0)',
    format: 'math',
    local: { train: 'numina_tir/train.jsonl.gz', test: 'numina_tir/test.jsonl.gz' },
    hub: { id: 'AI-MO/NuminaMath-TIR' },
    isLarge: true,
  }),
  'openmath-reasoning': files({
    about: 'OpenMathReasoning, long solutions of competition problems (NVIDIA, CC BY 4.0)',
    format: 'openmath',
    local: {
      cot: 'openmath_reasoning/cot.jsonl.gz',
      tir: 'openmath_reasoning/tir.jsonl.gz',
      genselect: 'openmath_reasoning/genselect.jsonl.gz',
    },
    hub: { id: 'nvidia/OpenMathReasoning' },
    isLarge: true,
  }),
  pubmedqa: files({
    about: 'PubMedQA, questions on abstracts answered yes, no or maybe (Jin et al. 2019, MIT)',
    format: 'plain',
    local: { train: 'medical/pubmedqa_labeled.jsonl.gz' },
    hub: { id: 'qiaojin/PubMedQA', config: 'pqa_labeled', columns: { answer: 'final_decision' } },
  }),
  arithmetic: {
    kind: 'generated',
    about: 'seeded arithmetic word problems in the form of GSM8K',
    format: 'gsm8k',
    splits: ['train', 'valid', 'test'],
    make: () => ({ ...makeArithmetic(ARITHMETIC_SET) }),
  },
} as const satisfies Record<string, NamedDataset>;

type DatasetName = keyof typeof NAMED_DATASETS;

/** The set of that name, or null. */
export function namedDataset(name: string): NamedDataset | null {
  return Object.hasOwn(NAMED_DATASETS, name) ? NAMED_DATASETS[name as DatasetName] : null;
}
