/** One round: the dealt arms answer the questions and their other wordings. */
import type { ArmConfig, RolloutsConfig } from '../../config/index.js';
import {
  type Completion,
  checkVersion,
  PLAIN_SAMPLING,
  type PromptRequest,
  type Sampler,
  type SamplingParams,
} from '../../rollout/index.js';
import type { ArmPrompts, AskedQuestion } from './questions.js';

/** One pull: the answer to the question, and to each other wording, of one arm. */
export interface Pulled {
  readonly question: AskedQuestion;
  readonly arm: string;
  /** Number of the trajectory within its question. */
  readonly sample: number;
  readonly completion: Completion;
  readonly perturbed: readonly Completion[];
}

export interface RoundOptions {
  readonly config: RolloutsConfig;
  readonly sampler: Sampler;
  readonly prompts: ArmPrompts;
  readonly signal: AbortSignal;
  readonly onCompletion: (completion: Completion) => void;
}

interface Dealt {
  readonly question: AskedQuestion;
  /** Arm of each trajectory. */
  readonly arms: readonly string[];
}

/** Null when the signal has ended it. @throws GuardError when the sampler has other weights */
export async function sampleRound(
  dealt: readonly Dealt[],
  options: RoundOptions,
): Promise<Pulled[] | null> {
  const { config, sampler, signal, onCompletion } = options;
  const byKey = new Map<string, Completion>();
  for (const arm of config.arms) {
    const requests = dealt.flatMap((own) => requestsOf(own, arm, options.prompts));
    if (requests.length === 0) continue;
    const params = paramsOf(arm, config);
    for (const completion of await sampler.generate(requests, params, { signal, onCompletion })) {
      checkVersion(completion, sampler.adapterHash);
      byKey.set(`${completion.requestId}/${completion.sampleIndex}`, completion);
    }
    if (signal.aborted) return null;
  }
  return dealt.flatMap(({ question, arms }) =>
    arms.map((arm, sample) => {
      const [own, ...perturbed] = question.wordings.map(
        (_, wording) => byKey.get(`${requestId(arm, question, wording)}/${sample}`)!,
      );
      return { question, arm, sample, completion: own!, perturbed };
    }),
  );
}

const requestId = (arm: string, { index }: AskedQuestion, wording: number): string =>
  `${arm}/${index}/${wording}`;

function requestsOf({ question, arms }: Dealt, { name }: ArmConfig, prompts: ArmPrompts) {
  const samples = [...arms.keys()].filter((sample) => arms[sample] === name);
  if (samples.length === 0) return [];
  return question.wordings.map(
    (_, wording): PromptRequest => ({
      id: requestId(name, question, wording),
      promptIds: prompts.idsOf(name, question.index, wording),
      n: samples.length,
      samples,
    }),
  );
}

const paramsOf = (arm: ArmConfig, config: RolloutsConfig): SamplingParams => ({
  ...PLAIN_SAMPLING,
  temperature: arm.temperature,
  topP: arm.top_p,
  topK: arm.top_k,
  minP: arm.min_p,
  repetitionPenalty: arm.repetition_penalty,
  maxNewTokens: config.max_new_tokens,
  stopStrings: [...config.stop],
  seed: config.seed,
});
