/** What an evaluation judges by beside its answer grader: a grader object, rewards, and rewards of votes. */
import { parseGrader } from '../../config/index.js';
import type { EndpointStats } from '../../endpoint/index.js';
import { type AnswerJudge, answerJudge, passThreshold } from '../../evaluate/index.js';
import { type AsyncGrader, compileGrader } from '../../rewards/index.js';
import { readJson } from '../../util/files.js';
import type { RecipeContext } from '../context.js';
import { tagsOf } from '../inputs/dataset.js';
import { openGraderTools } from '../rewards/grader-tools.js';
import { openRewards } from '../rewards/open-rewards.js';
import type { EvaluationKeys } from './evaluate-model.js';
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
export async function openEvaluationGraders(
  config: EvaluationKeys,
  context: RecipeContext,
): Promise<EvaluationGraders> {
  const opened: { stats: () => EndpointStats | null; close: () => unknown }[] = [];
  const keep = <T extends (typeof opened)[number] | null>(one: T): T => {
    if (one !== null) opened.push(one);
    return one;
  };
  const close = async () => {
    for (const one of opened.splice(0)) await one.close();
  };
  try {
    const judge = keep(await openJudge(config, context));
    const options = { keys: config, context, options: { tags: tagsOf(config) } };
    const rewards =
      config.rewards.length === 0 ? null : keep(await openRewards(config.rewards, options));
    const votes = keep(await openVoteRewards(config, context));
    return {
      judge: judge?.judge ?? null,
      rewards: rewards?.grade ?? null,
      voteGrade: votes?.grade ?? null,
      stats: () => opened.flatMap(({ stats }) => stats() ?? []),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openJudge(config: EvaluationKeys, context: RecipeContext) {
  const { grader_file: file, threads, on_error: onError } = config;
  if (file === null) return null;
  const spec = parseGrader(readJson(file), file);
  const { tools, ...open } = await openGraderTools(config, { specs: [spec], context, threads });
  try {
    const judge = answerJudge(spec, compileGrader(spec, { ...tools, onError }));
    if (spec.pass_threshold === null) {
      const threshold = passThreshold(spec);
      context.log(`${file} has no pass_threshold: scores of ${threshold} and more are correct`);
    }
    return { ...open, judge };
  } catch (error) {
    open.close();
    throw error;
  }
}
