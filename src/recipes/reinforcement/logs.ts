/** What GRPO writes down of its completions: one row each, one row a group, and metrics of both. */
import { existsSync } from 'node:fs';
import type { GrpoConfig } from '../../config/index.js';
import { type AnswerGrade, type AnswerGrader, questionOf } from '../../evaluate/index.js';
import {
  checkFileName,
  type GroupRow,
  openRowLog,
  type RowLog,
  RUN_NAMES,
  type RunFolder,
  type SampleRow,
  sampleRow,
} from '../../report/index.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { InputError } from '../../util/errors.js';
import { chunks } from '../../util/group.js';
import { textOf } from '../../util/json-object.js';
import { Rng } from '../../util/rng.js';
import type { GradedRollout } from '../sampling/graded-rollouts.js';
import { scoreMean } from './metrics.js';

/** A completion with what came of it. */
interface Judged {
  readonly rollout: GradedRollout;
  readonly answer: AnswerGrade;
  /** Null: nothing is learnt from it. */
  readonly advantage: number | null;
}

interface Learnt extends Judged {
  readonly advantage: number;
}

/** What a generation has sampled. */
interface Written {
  readonly rollouts: readonly GradedRollout[];
  /** One for each of them. */
  readonly advantages: readonly number[];
  /** Further ones, of groups that others have replaced. */
  readonly replaced?: readonly GradedRollout[];
}

/** Which groups are written, and where. */
export type GroupRowKeys = Pick<
  GrpoConfig,
  'save_samples' | 'sample_save_rate' | 'samples_filename' | 'num_generations' | 'seed'
>;

const takesSamplesFile = (config: GroupRowKeys): boolean =>
  config.save_samples && config.samples_filename === RUN_NAMES.samples;

/** @throws InputError on a `samples_filename` that the run uses for something else. */
export function checkLogNames(config: GroupRowKeys): void {
  if (!config.save_samples || takesSamplesFile(config)) return;
  checkFileName(config.samples_filename, 'samples_filename');
}

/** Groups may take the name of the completion rows, which then have another: a file holds one form of rows. */
function logPaths(config: GroupRowKeys, run: RunFolder) {
  const { samples, completions } = run.paths;
  const hasMoved = takesSamplesFile(config);
  const isOther = existsSync(completions) ? !hasMoved : hasMoved && existsSync(samples);
  if (run.isResumed && isOther) {
    throw new InputError({
      where: 'samples_filename',
      problem: `the rows of this run so far ${hasMoved ? 'are' : 'are not'} completions in ${RUN_NAMES.samples}`,
      remedy: 'Go on with the name it began with',
    });
  }
  if (hasMoved) return { samples: completions, groups: samples };
  return { samples, groups: config.save_samples ? run.claim(config.samples_filename) : null };
}

export interface LoggedRun {
  readonly run: RunFolder;
  /** Step of the checkpoint that is gone on from; null in a fresh run. */
  readonly resumeStep: number | null;
  readonly tokenizer: Tokenizer;
  readonly judge: AnswerGrader;
}

export class GrpoLogs {
  private readonly config: GroupRowKeys;
  private readonly tokenizer: Tokenizer;
  private readonly judge: AnswerGrader;
  private readonly samples: RowLog<SampleRow>;
  /** Null: not asked for. */
  private readonly groups: RowLog<GroupRow> | null;

  constructor(config: GroupRowKeys, { run, resumeStep, tokenizer, judge }: LoggedRun) {
    const resume = { resumeStep };
    this.config = config;
    this.tokenizer = tokenizer;
    this.judge = judge;
    const { samples, groups } = logPaths(config, run);
    this.samples = openRowLog(samples, resume);
    this.groups = groups === null ? null : openRowLog(groups, resume);
  }

  /**
   * Writes the rows of a generation.
   * @param step The optimizer step it begins.
   * @returns Metrics of the batch.
   */
  write({ rollouts, advantages, replaced = [] }: Written, step: number): Record<string, number> {
    const answered = (rollout: GradedRollout) => ({
      rollout,
      answer: this.judge(rollout.completion.text, rollout.prompt.row),
    });
    const judged = rollouts.map((rollout, i) => ({
      ...answered(rollout),
      advantage: advantages[i]!,
    }));
    const others = replaced.map((rollout) => ({ ...answered(rollout), advantage: null }));
    for (const one of [...judged, ...others]) this.samples.append(this.sampleRow(one, step));
    this.writeGroups(judged, step);
    const known = judged.filter(({ answer }) => answer.correct !== null);
    const rewards = rollouts.flatMap(({ grade }) => grade.total ?? []);
    const right = known.filter(({ answer }) => answer.correct).length;
    return {
      ...(known.length > 0 && { 'samples/batch_accuracy': right / known.length }),
      ...scoreMean('samples/batch_mean_reward', rewards),
    };
  }

  flush(): void {
    this.samples.flush();
    this.groups?.flush();
  }

  close(): void {
    this.samples.close();
    this.groups?.close();
  }

  private sampleRow({ rollout, advantage, answer }: Judged, step: number) {
    const { prompt, completion, grade } = rollout;
    const { question } = prompt.row;
    const gold = goldOf(rollout, answer);
    return sampleRow(completion, {
      step: step + 1,
      prompt: this.tokenizer.decode(prompt.promptIds),
      grade,
      ...(typeof question === 'string' && { question }),
      ...(gold !== null && { gold }),
      correct: answer.correct,
      advantage,
      ...(advantage === null && { replaced: true }),
    });
  }

  /** A seeded share of the groups. */
  private writeGroups(judged: readonly Learnt[], step: number): void {
    const { num_generations: size, sample_save_rate: rate, seed } = this.config;
    const rng = Rng.of(seed, 'group-samples', step);
    const groups = chunks(judged, size).filter(() => rng.uniform() < rate);
    for (const group of groups) this.groups?.append(this.groupRow(group, step));
  }

  private groupRow(group: readonly Learnt[], step: number): GroupRow {
    const { rollout: first, answer: graded } = group[0]!;
    return {
      step: step + 1,
      problem: questionOf(first.prompt.row) || this.tokenizer.decode(first.prompt.promptIds),
      ground_truth: goldOf(first, graded),
      responses: group.map(({ rollout, advantage, answer }) => ({
        text: rollout.completion.text,
        reward: rollout.grade.total,
        advantage,
        extracted_answer: answer.answer,
        correct: answer.correct,
      })),
    };
  }
}

/** The row's own answer, else what its completion was compared with. */
const goldOf = ({ prompt }: GradedRollout, answer: AnswerGrade): string | null =>
  textOf(prompt.row.answer) ?? answer.gold;
