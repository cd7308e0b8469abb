/**
 * The model that judges here, opened once for all graders of the process that ask for the same one, and freed
 * after the last. Requests that wait together are sampled together, whichever grader they come from.
 */
import type { JudgeConfig } from '../../config/index.js';
import { type Completion, PLAIN_SAMPLING, type RolloutSampler } from '../../rollout/index.js';
import { largest } from '../../util/numbers.js';
import { type Holding, SharedResources } from '../../util/shared-resources.js';
import type { RecipeContext } from '../context.js';
import { type ModelSource, openModel } from '../inputs/model-source.js';
import { promptRoom } from '../inputs/prompt-room.js';
import { openSampler } from '../sampling/open-sampler.js';
import { keptConstraints } from '../sampling/response-format.js';
import { type ResolvedRollouts, resolveRollouts } from '../sampling/rollout-engine.js';
import type { LocalChat } from './chat-request.js';
import { gathered } from './gathered.js';

interface Asked {
  readonly chat: LocalChat;
  readonly promptIds: readonly number[];
  /** Ends the sampling for it and those of the same signal. */
  readonly signal: AbortSignal;
}

export interface JudgeModel {
  readonly source: ModelSource;
  /** What it computes in, and on what. */
  readonly rollouts: Pick<ResolvedRollouts, 'device' | 'precision'>;
  /** Longest prompt and answer together, tokens. */
  readonly maxContext: number;
  readonly sample: (asked: Asked) => Promise<Completion>;
  readonly close: () => void;
}

export interface JudgeModelOptions {
  readonly model: string;
  readonly context: RecipeContext;
  readonly threads: number | null;
}

/** The models that are open in this process. */
export const judgeModels = new SharedResources<JudgeModel>(({ close }) => close());

/** @throws InputError as `openModel`, and where `max_new_tokens` leaves no room for a prompt */
export function holdJudgeModel(
  judge: JudgeConfig,
  options: JudgeModelOptions,
): Promise<Holding<JudgeModel>> {
  const { max_context, max_new_tokens, max_concurrency, rollout_device } = judge;
  const { model, threads } = options;
  const key = JSON.stringify([
    model,
    judge.model_revision,
    threads,
    max_context,
    max_new_tokens,
    max_concurrency,
    [rollout_device, judge.rollout_precision, judge.rollout_memory_limit],
  ]);
  return judgeModels.hold(key, () => openJudgeModel(judge, options));
}

async function openJudgeModel(
  judge: JudgeConfig,
  { model, context, threads }: JudgeModelOptions,
): Promise<JudgeModel> {
  const { model_revision } = judge;
  const rollouts = resolveRollouts(judge, context.log, 'judge.');
  const source = await openModel({ model, model_revision }, context, 'judge.model_revision');
  try {
    const maxContext = Math.min(judge.max_context, source.spec.maxPositions);
    const lengths = { completion: judge.max_new_tokens, context: maxContext };
    const maxPromptLength = promptRoom('judge.max_new_tokens', { ...lengths, whose: 'judge' });
    const sampler = await openSampler(source, {
      ...rollouts,
      threads,
      maxBatch: judge.max_concurrency,
      maxPromptLength,
      maxNewTokens: judge.max_new_tokens,
    });
    context.log(`judge: ${source.baseName} is opened`);
    const close = () => {
      sampler.dispose();
      source.close();
    };
    return { source, rollouts, maxContext, sample: sampleOf(source, sampler), close };
  } catch (error) {
    source.close();
    throw error;
  }
}

function sampleOf(source: ModelSource, sampler: RolloutSampler): JudgeModel['sample'] {
  const constraintOf = keptConstraints({ isCompact: true });
  const numberOf = numbered<AbortSignal>();
  const sample = async (asked: readonly Asked[]): Promise<readonly Completion[]> => {
    const { chat: first, signal } = asked[0]!;
    const { temperature, topP, responseFormat } = first;
    const maxNewTokens = largest(asked.map(({ chat }) => chat.maxNewTokens));
    const constraint = constraintOf(responseFormat, source.tokenizer);
    const params = { ...PLAIN_SAMPLING, temperature, topP, maxNewTokens, constraint, seed: 0 };
    const requests = asked.map(({ chat, promptIds }, i) => ({
      id: String(i),
      promptIds,
      n: 1,
      seed: chat.seed,
      maxNewTokens: chat.maxNewTokens,
    }));
    const completions = await sampler.generate(requests, params, { signal });
    signal.throwIfAborted();
    return completions;
  };
  return gathered(sample, ({ chat: { temperature, topP, responseFormat }, signal }) =>
    JSON.stringify([temperature, topP, responseFormat, numberOf(signal)]),
  );
}

/** The same object has the same number. */
function numbered<T extends object>(): (one: T) => number {
  const numbers = new WeakMap<T, number>();
  let next = 0;
  return (one) => {
    const number = numbers.get(one) ?? next++;
    numbers.set(one, number);
    return number;
  };
}
