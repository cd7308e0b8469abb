/** `string_check` and `text_similarity`. */
import { InputError } from '../../util/errors.js';
import { weightedRatio } from '../text/fuzz.js';
import { meteor } from '../text/meteor.js';
import { bleu, gleu, rougeL, rougeN } from '../text/ngram-metrics.js';
import { defaultProcess } from '../text/process.js';
import type { Grade } from './grade.js';
import { scored } from './outcome.js';
import type { SimilarityMetric, StringCheckSpec, TextSimilaritySpec } from './spec.js';
import { compileCompared } from './template.js';
import type { Embed, GraderTools } from './tools.js';

type Check = (input: string, reference: string) => boolean;

const CHECKS: Readonly<Record<StringCheckSpec['operation'], Check>> = {
  eq: (input, reference) => input === reference,
  ne: (input, reference) => input !== reference,
  neq: (input, reference) => input !== reference,
  like: (input, reference) => input.includes(reference),
  ilike: (input, reference) => input.toLowerCase().includes(reference.toLowerCase()),
};

/** 1 or 0. */
export function stringCheck(spec: StringCheckSpec): Grade {
  const compared = compileCompared(spec);
  const check = CHECKS[spec.operation];
  return async (sample) => {
    const { gold, text } = compared(sample);
    return scored(check(text, gold) ? 1 : 0);
  };
}

type Similarity = (a: string, b: string) => number | Promise<number>;

/** `fuzzy_match` is RapidFuzz's WRatio after default_process, divided by 100. */
const SIMILARITIES: Readonly<Record<Exclude<SimilarityMetric, 'cosine'>, Similarity>> = {
  fuzzy_match: (a, b) => weightedRatio(defaultProcess(a), defaultProcess(b)) / 100,
  bleu,
  gleu,
  meteor,
  rouge_1: (a, b) => rougeN(a, b, 1),
  rouge_2: (a, b) => rougeN(a, b, 2),
  rouge_3: (a, b) => rougeN(a, b, 3),
  rouge_4: (a, b) => rougeN(a, b, 4),
  rouge_5: (a, b) => rougeN(a, b, 5),
  rouge_l: rougeL,
};

/** 0 to 1. @throws InputError when cosine has no embeddings. */
export function textSimilarity(spec: TextSimilaritySpec, tools: GraderTools): Grade {
  const compared = compileCompared(spec);
  const similarity = similarityOf(spec, tools);
  return async (sample) => {
    const { gold, text } = compared(sample);
    return scored(await similarity(text, gold));
  };
}

function similarityOf({ name, evaluation_metric: metric }: TextSimilaritySpec, tools: GraderTools) {
  if (metric !== 'cosine') return SIMILARITIES[metric];
  if (tools.embed !== undefined) return cosine(tools.embed);
  throw new InputError({
    where: name,
    problem: 'the metric cosine needs embeddings, and no endpoint gives them',
    remedy: 'Give judge.base_url and judge.embedding_model',
  });
}

/** Cosine of the angle between the vectors of two texts; negative ones count as 0. */
const cosine =
  (embed: Embed): Similarity =>
  async (a, b) => {
    const vectors = await embed([a, b]);
    const [left, right] = vectors.map(direction);
    if (left === undefined || right === undefined || left.length !== right.length) {
      throw new Error('the endpoint gave vectors of different lengths');
    }
    return Math.min(1, Math.max(0, dot(left, right)));
  };

const dot = (x: readonly number[], y: readonly number[]): number =>
  x.reduce((sum, value, i) => sum + value * y[i]!, 0);

/** The vector at length 1, or zeros. It is scaled by its largest part first, so that no square overflows. */
function direction(vector: readonly number[]): readonly number[] {
  const largest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (largest === 0) return vector;
  const scaled = vector.map((value) => value / largest);
  const length = Math.sqrt(dot(scaled, scaled));
  return scaled.map((value) => value / length);
}
