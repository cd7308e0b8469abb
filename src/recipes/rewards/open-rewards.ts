/** The rewards of a config, opened: those of the registry, grader objects, and a user's files. */
import { type GraderKeys, parseGrader, type RewardConfig } from '../../config/index.js';
import {
  type AsyncGrader,
  type AsyncReward,
  compileGrader,
  gradedSample,
  makeAsyncRewards,
  openUserReward,
  passes,
  type RewardOptions,
} from '../../rewards/index.js';
import { opening } from '../../util/close-stack.js';
import { InputError } from '../../util/errors.js';
import { readJson } from '../../util/files.js';
import type { RecipeContext } from '../context.js';
import { type TagKeys, tagsOf } from '../inputs/answer-tags.js';
import { RewardFailures } from './failures.js';
import { type OpenTools, openGraderTools } from './grader-tools.js';

export interface OpenRewards {
  readonly grade: AsyncGrader;
  /** Whether a score of the reward of that name passes. */
  readonly passes: (name: string, score: number) => boolean;
  readonly stats: OpenTools['stats'];
  readonly close: () => Promise<void>;
}

type OpenKeys = GraderKeys & { readonly threads?: number | null };

/** @throws InputError or SetupError when a reward cannot be opened; nothing stays open then. */
export function openRewards(
  rewards: readonly RewardConfig[],
  {
    keys,
    context,
    options = {},
  }: {
    readonly keys: OpenKeys;
    readonly context: RecipeContext;
    readonly options?: Partial<RewardOptions>;
  },
): Promise<OpenRewards> {
  return opening(async (stack) => {
    const specs = graderSpecs(rewards);
    const { tools, stats, ...open } = await openGraderTools(keys, {
      specs: [...specs.values()],
      context,
      threads: keys.threads ?? null,
    });
    stack.defer(open.close);
    const outside: Record<string, AsyncReward> = {};
    for (const [name, spec] of specs) {
      const grade = compileGrader(spec, { ...tools, onError: keys.on_error });
      outside[name] = async (completion, row) =>
        await grade(gradedSample(row, { output_text: completion }));
    }
    for (const { name, file } of rewards) {
      if (file === null) continue;
      const user = await openUserReward({ name, file, timeoutMs: keys.reward_timeout_s * 1000 });
      stack.defer(user.close);
      outside[name] = user.reward;
    }
    const failures = new RewardFailures(context.log);
    stack.defer(() => failures.sayTotals());
    const grade = failures.watch(makeAsyncRewards(rewards, outside, options));
    return {
      grade,
      passes: (name, score) => passes(score, specs.get(name) ?? null),
      stats,
      close: () => stack.close(),
    };
  });
}

/** The same, which read an answer by the tags of the config. */
export const openTaggedRewards = (
  rewards: readonly RewardConfig[],
  keys: OpenKeys & TagKeys,
  context: RecipeContext,
): Promise<OpenRewards> => openRewards(rewards, { keys, context, options: { tags: tagsOf(keys) } });

function graderSpecs(rewards: readonly RewardConfig[]) {
  return new Map(
    rewards.flatMap(({ name, grader, file }) => {
      if (grader === null) return [];
      if (file !== null) {
        const problem = 'it has both a grader and a file';
        throw new InputError({ where: `rewards.${name}`, problem, remedy: 'Give one of them' });
      }
      return [[name, parseGrader(readJson(grader), grader)] as const];
    }),
  );
}
