/** What an evaluation judges by beside its answer grader: a grader object, rewards, and rewards of votes. */
import { parseGrader } from '../../config/index.js';
import type { EndpointStats } from '../../endpoint/index.js';
import { type AnswerJudge, answerJudge } from '../../evaluate/index.js';
import { type AsyncGrader, compileGrader, passThreshold } from '../../rewards/index.js';
import { opening } from '../../util/close-stack.js';
import { readJson } from '../../util/files.js';
import type { RecipeContext } from '../context.js';
import { openGraderTools } from '../rewards/grader-tools.js';
import { openTaggedRewards } from '../rewards/open-rewards.js';
import type { EvaluationKeys } from './evaluation-inputs.js';
import { openVoteRewards } from './strategy.js';

export interface EvaluationGraders {
  /** Says what is correct; null: the answer grader does. */
  readonly judge: AnswerJudge | null;
  /** Recorded beside the grade. */
  readonly rewards: AsyncGrader | null;
  /** Weigh the votes of the strategy. */
  readonly voteGrade: AsyncGrader | null;
  /** Counts of the judges that were opened. */
  readonly stats: () => readonly EndpointStats[];
  readonly close: () => Promise<void>;
}

/** @throws InputError or SetupError when one of them cannot be opened; nothing stays open then. */
export function openEvaluationGraders(
  config: EvaluationKeys,
  context: RecipeContext,
): Promise<EvaluationGraders> {
  return opening(async (stack) => {
    const judge = await openJudge(config, context);
    stack.defer(() => judge?.close());
    const rewards =
      config.rewards.length === 0 ? null : await openTaggedRewards(config.rewards, config, context);
    stack.defer(() => rewards?.close());
    const votes = await openVoteRewards(config, context);
    stack.defer(() => votes?.close());
    return {
      judge: judge?.judge ?? null,
      rewards: rewards?.grade ?? null,
      voteGrade: votes?.grade ?? null,
      stats: () => [judge, rewards, votes].flatMap((one) => one?.stats() ?? []),
      close: () => stack.close(),
    };
  });
}

async function openJudge(config: EvaluationKeys, context: RecipeContext) {
  const { grader_file: file, threads, on_error: onError } = config;
  if (file === null) return null;
  const spec = parseGrader(readJson(file), file);
  return await opening(async (stack) => {
    const { tools, ...open } = await openGraderTools(config, { specs: [spec], context, threads });
    stack.defer(open.close);
    const judge = answerJudge(spec, compileGrader(spec, { ...tools, onError }));
    if (spec.pass_threshold === null) {
      const threshold = passThreshold(spec);
      context.log(`${file} has no pass_threshold: scores of ${threshold} and more are correct`);
    }
    return { ...open, judge };
  });
}
