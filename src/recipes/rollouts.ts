/**
 * `lorikeet rollouts`: trajectories of each question over arms that a bandit deals, scored for coherence and
 * rewarded. Questions go in rounds. A trajectory is on disk as soon as it is made, and has its scores once its
 * round is whole, before the rewards move the posterior: a run that was stopped finds the posterior again in its rows.
 */
import type { RolloutsConfig } from '../config/index.js';
import { dealArms, observe, type Posterior, unitReward } from '../preferences/index.js';
import { percent, withProgress } from '../report/index.js';
import type { Sampler } from '../rollout/index.js';
import { closing } from '../util/close-stack.js';
import { counted } from '../util/counted.js';
import { sha256, writeJson } from '../util/files.js';
import { chunks } from '../util/group.js';
import { sum } from '../util/numbers.js';
import { Rng } from '../util/rng.js';
import { adapterHash } from '../weights/index.js';
import type { RecipeContext } from './context.js';
import { samplerFingerprint } from './inputs/base-fingerprint.js';
import { type ModelSource, openModel } from './inputs/model-source.js';
import { baseIdentity } from './inputs/quantization.js';
import { interruption } from './interrupt.js';
import { banditFile, statsFile } from './outputs/companions.js';
import { RowStore } from './outputs/row-store.js';
import { readBandit, writeBandit } from './rollouts/bandit-file.js';
import {
  type ArmPrompts,
  type AskedQuestion,
  armPrompts,
  loadQuestions,
} from './rollouts/questions.js';
import { sampleRound } from './rollouts/sample-round.js';
import { type RolloutsStats, rolloutsStats } from './rollouts/stats.js';
import {
  isScored,
  type PulledRow,
  rewardWeights,
  type TrajectoryMaker,
  type TrajectoryRow,
  trajectoryMaker,
} from './rollouts/trajectories.js';
import { checkSampling } from './sampling/check-rollouts.js';
import { openKeyedSampler } from './sampling/keyed-sampler.js';
import { requestSettings } from './sampling/request-settings.js';
import { rolloutIdentity } from './sampling/rollout-engine.js';

export interface RolloutsResult extends RolloutsStats {
  readonly output: string;
  readonly bandit_file: string;
}

/** @throws InputError on rows without a question, an output in use, or a posterior of other arms */
export function runRollouts(
  config: RolloutsConfig,
  context: RecipeContext,
): Promise<RolloutsResult> {
  return closing(async (stack) => {
    checkSampling(config, { samplesMissing: true });
    const prior = priorOf(config);
    const store = new RowStore({ ...config, output_csv: null });
    stack.defer(() => store.close());
    const source = stack.adopt(await openModel(config, context), (own) => own.close());
    const questions = await loadQuestions(config, context);
    const work = { config, context, source, questions, prior, store };
    return report(await store.filledBy(() => collect(work), context.log), work);
  });
}

interface Work {
  readonly config: RolloutsConfig;
  readonly context: RecipeContext;
  readonly source: ModelSource;
  readonly questions: readonly AskedQuestion[];
  readonly prior: Posterior;
  readonly store: RowStore;
}

function priorOf({ bandit_from: file, arms, bandit_reward: reward }: RolloutsConfig): Posterior {
  if (file === null) return {};
  return readBandit(file, { arms: arms.map(({ name }) => name), reward });
}

/** Samples what is not on disk. @returns the posterior after all rounds */
async function collect(work: Work): Promise<Posterior> {
  const { config, context, source, questions, store } = work;
  const requestHash = requestHasher(work);
  const version = adapterHash(source.adapter);
  const texts = new Map(questions.map(({ id, text }) => [id, text]));
  store.verify(({ prompt_id: id, sample_index: sample }) => {
    const text = sample < config.trajectories ? texts.get(id) : undefined;
    return text === undefined ? undefined : { request_hash: requestHash(text), adapter: version };
  });
  const prompts = armPrompts(config, questions, source);
  context.stopsInOrder?.();
  const maker = trajectoryMaker(config, requestHash);
  const samples = Array.from({ length: config.trajectories }, (_, sample) => sample);
  const keptOf = ({ id, wordings }: AskedQuestion) =>
    samples.filter((sample) => store.has(id, sample)).length * wordings.length;
  const total = sum(questions.map(({ wordings }) => wordings.length * config.trajectories));
  const from = sum(questions.map(keptOf));
  return await closing(async (stack) => {
    let opening: Promise<Sampler> | null = null;
    const open = async () => {
      const sizes = { maxPromptLength: prompts.longest, maxNewTokens: config.max_new_tokens };
      const opened = await openKeyedSampler(source, config, { log: context.log, ...sizes });
      return stack.adopt(opened, (own) => own.dispose());
    };
    const sampler = () => {
      opening ??= open();
      return opening;
    };
    return await withProgress({ label: 'rollouts', total, from }, (progress) => {
      let done = from;
      const onCompletion = () => progress.update(++done);
      return playRounds(work, { sampler, prompts, maker, onCompletion });
    });
  });
}

interface Means {
  /** Opened by the first call. */
  readonly sampler: () => Promise<Sampler>;
  readonly prompts: ArmPrompts;
  readonly maker: TrajectoryMaker;
  readonly onCompletion: () => void;
}

async function playRounds(work: Work, means: Means): Promise<Posterior> {
  const { config, questions } = work;
  const size = config.questions_per_update;
  let posterior = work.prior;
  for (const [before, batch] of chunks(questions, size).entries()) {
    const rows = await playRound(batch, { work, means, posterior });
    posterior = learnt(posterior, rows, config);
    const { bandit: policy, bandit_reward: reward } = config;
    writeBandit(banditFile(config), { policy, reward, rounds: before + 1, arms: posterior });
  }
  return posterior;
}

interface Round {
  readonly work: Work;
  readonly means: Means;
  readonly posterior: Posterior;
}

/** The rows of a round: those on disk, and what is missing of it. */
async function playRound(
  batch: readonly AskedQuestion[],
  { work, means, posterior }: Round,
): Promise<TrajectoryRow[]> {
  const { config, context, store } = work;
  const { maker, prompts, onCompletion } = means;
  const arms = dealt(batch, posterior, config);
  const pulls = batch.map((question, i) =>
    arms[i]!.map((arm, sample) => ({ question, arm, sample })),
  );
  const missing = pulls.flat().filter(({ question, sample }) => !store.has(question.id, sample));
  if (missing.length > 0) {
    await sampleRound(missing, {
      ...{ config, prompts, onCompletion, signal: context.signal },
      sampler: await means.sampler(),
      onPulled: (pulled) => store.add(maker.pulledRow(pulled)),
    });
  }
  if (context.signal.aborted) {
    const { problem, remedy } = store.left;
    throw interruption(context.signal, { problem: `stopped while sampling; ${problem}`, remedy });
  }
  return pulls.flatMap((own) => {
    const rows = own.map(({ question, sample }) => store.get(question.id, sample) as PulledRow);
    if (rows.every(isScored)) return rows;
    const scored = maker.scoredRows(rows);
    for (const row of scored) store.add(row);
    return scored;
  });
}

const dealt = (batch: readonly AskedQuestion[], posterior: Posterior, config: RolloutsConfig) =>
  dealArms(posterior, {
    policy: config.bandit,
    arms: config.arms.map(({ name, temperature }) => ({
      name,
      isDeterministic: temperature === 0,
    })),
    trajectories: config.trajectories,
    questions: batch.map(({ index }) => index),
    exploration: config.ucb_exploration,
    rngOf: (question) => Rng.of(config.seed, 'bandit', question),
  });

/** The posterior after a round; rows without a grade teach nothing. */
function learnt(
  before: Posterior,
  rows: readonly TrajectoryRow[],
  config: RolloutsConfig,
): Posterior {
  const weights = rewardWeights(config);
  return rows.reduce((posterior, { arm, reward, correct }) => {
    if (reward === null) return posterior;
    const value =
      config.bandit_reward === 'correct' ? Number(correct) : unitReward(reward, weights);
    return observe(posterior, arm, value);
  }, before);
}

/** Keys that do not change what a trajectory is. */
const NEUTRAL = ['output', 'bandit_file', 'bandit_from'] as const;

/** Hash of what a trajectory depends on, beside the adapter. */
function requestHasher({ config, source, questions, prior }: Work): (question: string) => string {
  const settings = requestSettings(config, NEUTRAL);
  const asked = questions.map(({ text }) => text);
  const base = [samplerFingerprint(source), ...baseIdentity(config)];
  const about = [settings, rolloutIdentity(config), prior, asked, base];
  const shared = sha256(JSON.stringify(about));
  return (question) => sha256(shared, question).slice(0, 16);
}

function report(posterior: Posterior, { config, context, questions, store }: Work): RolloutsResult {
  const places = new Map(questions.map(({ id, index }) => [id, index]));
  const rows = store.finish(
    (a, b) =>
      places.get(a.prompt_id)! - places.get(b.prompt_id)! || a.sample_index - b.sample_index,
  ) as readonly TrajectoryRow[];
  const stats = rolloutsStats(rows, { arms: config.arms.map(({ name }) => name), posterior });
  writeJson(statsFile(config), stats);
  for (const [arm, { pulls, accuracy, mean_s_wm: score }] of Object.entries(stats.arms)) {
    const shares = `${percent(accuracy)} correct, mean s_wm ${score.toFixed(3)}`;
    context.log(`arm ${arm}: ${pulls} pulls${pulls === 0 ? '' : `, ${shares}`}`);
  }
  const { unperturbed, questions: asked } = stats;
  if (unperturbed > 0)
    context.log(`${unperturbed} of ${counted(asked, 'question')} without another wording: no s_cf`);
  return { output: config.output, bandit_file: banditFile(config), ...stats };
}
