/** What `lorikeet grade` judges by: a grader object, or the sum of rewards. */
import { type GradeConfig, parseGrader } from '../../config/index.js';
import type { EndpointStats } from '../../endpoint/index.js';
import {
  compileGrader,
  type Grade,
  type GraderOutcome,
  hasFailed,
  type JsonGrader,
} from '../../rewards/index.js';
import { readJson } from '../../util/files.js';
import type { RecipeContext } from '../context.js';
import { openGraderTools } from '../rewards/grader-tools.js';
import { openRewards } from '../rewards/open-rewards.js';

export interface Scorer {
  readonly grade: JsonGrader;
  readonly stats: () => EndpointStats | null;
  readonly close: () => unknown;
}

/** An opened scorer and the rows it is to be tried on. */
export interface AskedScorer {
  readonly input: string;
  readonly scorer: Scorer;
  readonly context: RecipeContext;
}

/** @throws InputError on a bad grader */
export async function openScorer(config: GradeConfig, context: RecipeContext): Promise<Scorer> {
  const { grader_file: file, rewards } = config;
  if (file === null) {
    const opened = await openRewards(rewards, { keys: config, context });
    return {
      ...opened,
      grade: async ({ text, item }) => outcomeOf(await opened.grade(text, item)),
    };
  }
  const spec = parseGrader(readJson(file), file);
  const opened = await openGraderTools(config, { specs: [spec], context });
  try {
    const grade = compileGrader(spec, { ...opened.tools, onError: config.on_error });
    return { ...opened, grade };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** A sum has the status of the first part that is not `ok` and leaves it without a total. */
function outcomeOf({ total, parts }: Grade): GraderOutcome {
  const statuses = Object.values(parts).map(({ status }) => status);
  const broken = statuses.find(hasFailed);
  return { score: total, status: total === null ? (broken ?? 'skipped') : 'ok', parts };
}
