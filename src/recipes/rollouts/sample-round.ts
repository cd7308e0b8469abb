/** One round: the arms answer the questions and their other wordings. */
import type { ArmConfig, RolloutsConfig } from '../../config/index.js';
import {
  type Completion,
  checkVersion,
  PLAIN_SAMPLING,
  type PromptRequest,
  type Sampler,
  type SamplingParams,
} from '../../rollout/index.js';
import { groupBy } from '../../util/group.js';
import type { ArmPrompts, AskedQuestion } from './questions.js';

/** A trajectory that is asked for. */
export interface Pull {
  readonly question: AskedQuestion;
  readonly arm: string;
  /** Number of the trajectory within its question. */
  readonly sample: number;
}

/** One pull: the answer to the question, and to each other wording, of one arm. */
export interface Pulled extends Pull {
  readonly completion: Completion;
  readonly perturbed: readonly Completion[];
}

export interface RoundOptions {
  readonly config: RolloutsConfig;
  readonly sampler: Sampler;
  readonly prompts: ArmPrompts;
  readonly signal: AbortSignal;
  /** Called with each trajectory as its last answer comes; what it throws ends the round. */
  readonly onPulled: (pulled: Pulled) => void;
  /** Called with each answer. */
  readonly onCompletion: () => void;
}

/** Ends early when the signal says so. @throws GuardError when the sampler has other weights */
export async function sampleRound(pulls: readonly Pull[], options: RoundOptions): Promise<void> {
  const { config, sampler, prompts, signal } = options;
  for (const arm of config.arms) {
    const own = pulls.filter((pull) => pull.arm === arm.name);
    const requests = requestsOf(own, prompts);
    if (requests.length === 0 || signal.aborted) continue;
    const failed = new AbortController();
    const take = taker(own, options);
    await sampler.generate(requests, paramsOf(arm, config), {
      signal: AbortSignal.any([signal, failed.signal]),
      onCompletion: (completion) => {
        try {
          take(completion);
        } catch (error) {
          failed.abort(error);
        }
      },
    });
    failed.signal.throwIfAborted();
  }
}

/** Puts the answers of one arm together to trajectories. */
function taker(pulls: readonly Pull[], options: RoundOptions): (completion: Completion) => void {
  const { sampler, onPulled, onCompletion } = options;
  const key = (request: string, sample: number) => `${request}/${sample}`;
  const answers = new Map<string, Completion>();
  const pullOf = new Map(
    pulls.flatMap((pull) => {
      const requests = pull.question.wordings.map((_, wording) => requestId(pull, wording));
      return requests.map((request) => [key(request, pull.sample), { pull, requests }] as const);
    }),
  );
  return (completion) => {
    if (completion.finishReason === 'aborted') return;
    checkVersion(completion, sampler.adapterHash);
    const own = key(completion.requestId, completion.sampleIndex);
    answers.set(own, completion);
    onCompletion();
    const { pull, requests } = pullOf.get(own)!;
    const [first, ...perturbed] = requests.flatMap(
      (request) => answers.get(key(request, pull.sample)) ?? [],
    );
    if (first === undefined || perturbed.length + 1 < requests.length) return;
    onPulled({ ...pull, completion: first, perturbed });
  };
}

const requestId = ({ arm, question }: Pull, wording: number): string =>
  `${arm}/${question.index}/${wording}`;

/** Of pulls of one arm: a request for each wording of a question. */
function requestsOf(pulls: readonly Pull[], prompts: ArmPrompts): PromptRequest[] {
  const byQuestion = groupBy(pulls, ({ question }) => question.id);
  return [...byQuestion.values()].flatMap((own) => {
    const [pull] = own as [Pull, ...Pull[]];
    const samples = own.map(({ sample }) => sample);
    return pull.question.wordings.map((_, wording) => ({
      id: requestId(pull, wording),
      promptIds: prompts.idsOf(pull.arm, pull.question.index, wording),
      n: samples.length,
      samples,
    }));
  });
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
