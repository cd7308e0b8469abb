/**
 * `score_model` and `label_model`: a model judges. It is asked for JSON by a schema, `{"result": …}`, and
 * its answer is read strictly: that object, or the bare number or label. Anything else is an error and
 * never a score. A number beyond the range counts as the end of it, with a reason.
 */
import { InputError } from '../../util/errors.js';
import { isObject, parseJson } from '../../util/json-object.js';
import { shown } from '../../util/shown.js';
import type { Grade } from './grade.js';
import { scored } from './outcome.js';
import type { GradedSample } from './sample.js';
import type { JudgeMessage, LabelModelSpec, ScoreModelSpec } from './spec.js';
import { compileTemplate, type Template } from './template.js';
import type { Complete, GraderTools } from './tools.js';

/** A number between the ends of `range`. */
export function scoreModel(spec: ScoreModelSpec, tools: GraderTools): Grade {
  const [low, high] = spec.range;
  const ask = askingOf(spec, tools, {
    ...samplingSettings(spec.sampling_params),
    response_format: resultFormat({ type: 'number', minimum: low, maximum: high }),
  });
  return async (sample) => {
    const answer = resultIn(await ask(sample));
    if (typeof answer !== 'number' || !Number.isFinite(answer)) {
      throw new Error(`the judge's answer ${shown(answer)} is no number`);
    }
    const score = Math.min(high, Math.max(low, answer));
    if (score === answer) return scored(score);
    return {
      ...scored(score),
      reason: `the judge's score ${answer} lies outside [${low}, ${high}]`,
    };
  };
}

/** 1 for a passing label, 0 for another one. */
export function labelModel(spec: LabelModelSpec, tools: GraderTools): Grade {
  const ask = askingOf(spec, tools, {
    temperature: 0,
    response_format: resultFormat({ type: 'string', enum: spec.labels }),
  });
  return async (sample) => {
    const text = await ask(sample);
    const answer = spec.labels.includes(text) ? text : resultIn(text);
    const isPlain = typeof answer === 'number' || typeof answer === 'boolean';
    const label = isPlain ? String(answer) : answer;
    if (typeof label !== 'string' || !spec.labels.includes(label)) {
      throw new Error(`the judge's answer ${shown(answer)} is none of ${spec.labels.join(', ')}`);
    }
    return scored(spec.passing_labels.includes(label) ? 1 : 0);
  };
}

function judgeOf(name: string, { complete }: GraderTools): Complete {
  if (complete !== undefined) return complete;
  throw new InputError({
    where: name,
    problem: 'a model grader needs a judge, and none is named',
    remedy: 'Give judge.base_url (or OPENAI_BASE_URL), or a model here as judge.model_path',
  });
}

const resultFormat = (result: Readonly<Record<string, unknown>>) => ({
  type: 'json_schema',
  json_schema: {
    name: 'grade',
    strict: true,
    schema: {
      type: 'object',
      properties: { result },
      required: ['result'],
      additionalProperties: false,
    },
  },
});

/** `max_completions_tokens`, as OpenAI's grader objects spell it, is `max_completion_tokens` of a request. */
function samplingSettings(params: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { max_completions_tokens: limit, ...others } = params;
  const given = limit == null ? others : { ...others, max_completion_tokens: limit };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value != null));
}

type Messages = (sample: GradedSample) => { readonly role: string; readonly content: string }[];

function compileMessages(input: readonly JudgeMessage[], name: string): Messages {
  const compiled = input.map(({ role, content }, i) => ({
    role: role === 'developer' ? 'system' : role,
    content: compileContent(content, `${name}.input.${i}.content`),
  }));
  return (sample) => compiled.map(({ role, content }) => ({ role, content: content(sample) }));
}

function compileContent(content: unknown, where: string): Template {
  if (typeof content === 'string') return compileTemplate(content, where);
  const parts = Array.isArray(content) ? content : [content];
  const templates = parts.map((part): Template => {
    if (typeof part === 'string') return compileTemplate(part, where);
    if (typeof part?.text === 'string') return compileTemplate(part.text, where);
    throw new InputError({
      where,
      problem: `content of type ${JSON.stringify(part?.type ?? null)} cannot be sent to a judge`,
      remedy: 'Use text; images and audio are not supported',
    });
  });
  return (sample) => templates.map((template) => template(sample)).join('');
}

/** Asks a grader's judge about a sample: its text, trimmed. */
function askingOf(
  { name, model, input }: ScoreModelSpec | LabelModelSpec,
  tools: GraderTools,
  settings: Readonly<Record<string, unknown>>,
) {
  const complete = judgeOf(name, tools);
  const messages = compileMessages(input, name);
  return async (sample: GradedSample): Promise<string> => {
    const request = { model, messages: messages(sample), settings };
    const { text, refusal, isCut = false } = await complete(request);
    if (refusal !== null) throw new Error(`the judge refused: ${refusal.slice(0, 200)}`);
    const answer = text.trim();
    if (!isCut || answer.endsWith('}')) return answer;
    throw new Error(`the judge's answer ${shown(answer)} is cut at its token limit`);
  };
}

/** The judge's result: `result` of its JSON object, a bare number, or its text. */
function resultIn(answer: string): unknown {
  try {
    const value: unknown = parseJson(answer);
    return isObject(value) && Object.hasOwn(value, 'result') ? value.result : value;
  } catch {
    return answer;
  }
}
