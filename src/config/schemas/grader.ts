/**
 * Grader objects in JSON, as OpenAI's reinforcement fine-tuning takes them. One schema a type; what is
 * null or absent takes its default.
 */
import { z } from 'zod';
import { InputError } from '../../util/errors.js';
import { isObject } from '../../util/json-object.js';
import type { ConfigSchema } from '../introspect.js';
import { resolveConfig } from '../load.js';
import { orNull, text } from './fields.js';

const namedKeys = <T extends string>(type: T) => ({
  type: z.literal(type).describe('Grader type'),
  name: text().default(type).describe('Name of the grader'),
  pass_threshold: orNull(z.number(), 'Scores from here on pass'),
});

const comparedKeys = {
  input: z.string().describe('Text being graded, a template'),
  reference: z.string().describe('Text to grade against, a template'),
};

const message = z.strictObject({
  type: orNull(z.string(), 'Kind of the input item, as message'),
  role: text().default('user').describe('Role of the message'),
  content: z.unknown().describe('Text, or parts with text, as templates'),
});

/** Messages of a judge. */
const messagesKey = z.array(message).min(1).describe('Messages to the judge');

const stringCheck = z.strictObject({
  ...namedKeys('string_check'),
  ...comparedKeys,
  operation: z.enum(['eq', 'ne', 'neq', 'like', 'ilike']).describe('Comparison'),
});

const textSimilarity = z.strictObject({
  ...namedKeys('text_similarity'),
  ...comparedKeys,
  evaluation_metric: z
    .enum([
      ...(['cosine', 'fuzzy_match', 'bleu', 'gleu', 'meteor'] as const),
      ...(['rouge_1', 'rouge_2', 'rouge_3', 'rouge_4', 'rouge_5', 'rouge_l'] as const),
    ])
    .describe('Metric'),
});

const scoreModel = z.strictObject({
  ...namedKeys('score_model'),
  model: text().describe('Model that judges'),
  input: messagesKey,
  range: z.tuple([z.number(), z.number()]).default([0, 1]).describe('Lowest and highest score'),
  sampling_params: z
    .strictObject({
      temperature: orNull(z.number(), 'Sampling temperature'),
      top_p: orNull(z.number(), 'Nucleus mass'),
      seed: orNull(z.int(), 'Seed of the endpoint'),
      max_completions_tokens: orNull(z.int(), 'Longest answer'),
      max_completion_tokens: orNull(z.int(), 'Longest answer'),
      reasoning_effort: orNull(z.string(), 'Effort of a reasoning model'),
    })
    .prefault({})
    .describe('Sampling settings of the judge'),
});

const labelModel = z.strictObject({
  ...namedKeys('label_model'),
  model: text().describe('Model that judges'),
  input: messagesKey,
  labels: z.array(text()).min(1).describe('Labels to choose from'),
  passing_labels: z.array(text()).min(1).describe('Labels that score 1'),
});

const python = z.strictObject({
  ...namedKeys('python'),
  source: text().describe('Python that defines grade(sample, item)'),
  image_tag: orNull(z.string(), 'Image of the hosted service; ignored'),
});

const mathEquivalence = z.strictObject({ ...namedKeys('math_equivalence'), ...comparedKeys });

const multi = z.strictObject({
  ...namedKeys('multi'),
  graders: z.unknown().describe('Graders by name, or a list of them'),
  calculate_output: text().describe('Formula over the scores'),
});

const SCHEMAS = {
  string_check: stringCheck,
  text_similarity: textSimilarity,
  score_model: scoreModel,
  label_model: labelModel,
  python,
  math_equivalence: mathEquivalence,
  multi,
} as const;

type Leaf = z.output<
  | typeof stringCheck
  | typeof textSimilarity
  | typeof scoreModel
  | typeof labelModel
  | typeof python
  | typeof mathEquivalence
>;
export type GraderConfig =
  | Leaf
  | (Omit<z.output<typeof multi>, 'graders'> & {
      readonly graders: Readonly<Record<string, GraderConfig>>;
    });

/** Graders within graders, at most. */
const MAX_DEPTH = 16;

/**
 * A grader object.
 * @param where File, for messages.
 * @throws InputError naming the type, key or value that is not understood.
 */
export function parseGrader(value: unknown, where: string, depth = 0): GraderConfig {
  if (!isObject(value)) {
    throw new InputError({ where, problem: 'expected a grader object, {"type": …}' });
  }
  if (depth > MAX_DEPTH) throw new InputError({ where, problem: 'graders are nested too deeply' });
  const schema: ConfigSchema = SCHEMAS[typeOf(value, where)];
  const config = resolveConfig(schema, [{ value: givenOf(value, schema), where: () => where }]);
  if (config.type === 'multi') {
    return {
      ...(config as z.output<typeof multi>),
      graders: parseParts(config.graders, `${where}: ${config.name}`, depth),
    };
  }
  return checkLeaf(config as Leaf, where);
}

function typeOf({ type }: Readonly<Record<string, unknown>>, where: string): keyof typeof SCHEMAS {
  const known = Object.keys(SCHEMAS);
  if (typeof type === 'string' && known.includes(type)) return type as keyof typeof SCHEMAS;
  throw new InputError({
    where,
    problem: `the grader type ${JSON.stringify(type ?? null)} is not supported`,
    remedy: `Known are ${known.join(', ')}`,
  });
}

/** Without nulls; a judge's input may be one text or one message. */
function givenOf(value: Readonly<Record<string, unknown>>, schema: ConfigSchema) {
  const given = Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null));
  const isJudge = schema === SCHEMAS.score_model || schema === SCHEMAS.label_model;
  if (!isJudge || given.input === undefined) return given;
  const items = Array.isArray(given.input) ? given.input : [given.input];
  return { ...given, input: items.map((item) => (isObject(item) ? item : { content: item })) };
}

function checkLeaf(config: Leaf, where: string): Leaf {
  if (config.type === 'score_model' && config.range[0] >= config.range[1]) {
    throw new InputError({ where, problem: `range is [${config.range}]`, remedy: 'Lowest first' });
  }
  if (config.type === 'label_model') {
    const stray = config.passing_labels.find((label) => !config.labels.includes(label));
    if (stray !== undefined) {
      throw new InputError({ where, problem: `passing label "${stray}" is none of the labels` });
    }
  }
  return config;
}

/** A mapping by name, a list (names from the graders), or one grader. */
function parseParts(value: unknown, where: string, depth: number): Record<string, GraderConfig> {
  const isSingle = isObject(value) && typeof value.type === 'string';
  const list = isSingle ? [value] : value;
  const entries: [string | null, unknown][] = Array.isArray(list)
    ? list.map((part) => [null, part])
    : isObject(list)
      ? Object.entries(list)
      : [];
  const parts: Record<string, GraderConfig> = {};
  for (const [key, part] of entries) {
    const config = parseGrader(part, key === null ? where : `${where}.${key}`, depth + 1);
    const name = key ?? config.name;
    if (Object.hasOwn(parts, name)) {
      throw new InputError({ where, problem: `two graders are called "${name}"` });
    }
    parts[name] = config;
  }
  if (entries.length > 0) return parts;
  throw new InputError({ where, problem: 'graders is empty', remedy: 'Give them by name' });
}
