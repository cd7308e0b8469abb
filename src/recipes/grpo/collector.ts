/**
 * Generations of GRPO: the sampler gets the trained weights and proves it, prompts are sampled and graded.
 * With `max_staleness` 1 the next generation is sampled while this one is learnt from.
 */
import type { GrpoConfig } from '../../config/index.js';
import type { RolloutSampler, Sampler } from '../../rollout/index.js';
import type { Generation } from '../../train/index.js';
import { GuardError } from '../../util/errors.js';
import { Rng } from '../../util/rng.js';
import type { PromptedRow } from '../inputs/prompted-rows.js';
import { judgeCounts } from '../judge/counts.js';
import { advantagesOf, teaches } from '../reinforcement/advantages.js';
import type { GrpoLogs } from '../reinforcement/logs.js';
import { generationMetrics, truncationMetrics } from '../reinforcement/metrics.js';
import { isTruncated, policyLogprobs } from '../reinforcement/policy-logprobs.js';
import { gradedGuard } from '../rewards/failures.js';
import type { OpenRewards } from '../rewards/open-rewards.js';
import { type GradedRollout, gradedRollouts } from '../sampling/graded-rollouts.js';
import { filterParams, samplingParams } from '../sampling/sampling-params.js';
import { type Synced, syncSampler } from '../sampling/sync-sampler.js';
import type { TrainingSession } from '../training/recipe.js';
import { furtherPrompts, type SampledGroups, sampledGroups } from './groups.js';
import { type ProbeResult, probePolicy, probeSequences } from './policy-probe.js';
import type { GrpoSchedule } from './schedule.js';

export interface CollectorOptions {
  readonly config: GrpoConfig;
  readonly prompts: readonly PromptedRow[];
  readonly rewards: Pick<OpenRewards, 'grade' | 'stats'>;
  readonly session: TrainingSession;
  readonly sampler: RolloutSampler;
  /** What completions come from: the sampler itself, or one in front of it whose completions use tools. */
  readonly writer: Pick<Sampler, 'generate'>;
  readonly schedule: Pick<GrpoSchedule, 'order' | 'generations' | 'period'>;
  readonly logs: GrpoLogs;
  /** Largest difference of log-probabilities that the probe lets pass. */
  readonly tolerance: number;
}

/** Groups that were sampled, and the proof of the weights they came from. */
interface Sampled {
  readonly groups: SampledGroups;
  readonly probe: ProbeResult & Synced;
  readonly seconds: number;
}

/** Sampling that goes on while the trainer learns. */
interface Ahead {
  readonly generation: number;
  readonly sampled: Promise<Sampled>;
}

export class Collector {
  private readonly options: CollectorOptions;
  private readonly probe: readonly (readonly number[])[];
  private ahead: Ahead | null = null;
  /** Generations on end in which no group had unlike rewards. */
  private equal = 0;
  private readonly checkGraded: ReturnType<typeof gradedGuard>;

  constructor(options: CollectorOptions) {
    this.options = options;
    this.checkGraded = gradedGuard(options.session.context.log);
    this.probe = probeSequences(options.prompts.map(({ promptIds }) => promptIds));
  }

  /** @param generation Index of the generation; `step` is the optimizer step it begins. */
  async collect(generation: number, step: number): Promise<Generation> {
    const { config, session, schedule } = this.options;
    const isAhead = this.ahead?.generation === generation;
    const sampled = await session.run.phases.time('rollout', async () =>
      isAhead ? this.ahead!.sampled : (await this.begin(generation)).sampled,
    );
    this.ahead = null;
    if (config.max_staleness > 0 && generation + 1 < schedule.generations) {
      this.ahead = await this.begin(generation + 1);
    }
    if (config.rollout_release_memory) await this.options.sampler.release?.();
    return this.generationOf(sampled, { step, staleness: isAhead ? 1 : 0 });
  }

  /** Waits for what is still sampled. */
  async settle(): Promise<void> {
    await this.ahead?.sampled.catch(() => undefined);
  }

  /** Syncs the sampler with the trainer, then samples without waiting. */
  private async begin(generation: number): Promise<Ahead> {
    const probe = await this.sync();
    const started = performance.now();
    const sampled = this.sample(generation, probe.hash).then((groups) => ({
      groups,
      probe,
      seconds: (performance.now() - started) / 1000,
    }));
    // A failure shows when the generation is collected, not as an unhandled rejection before.
    sampled.catch(() => undefined);
    return { generation, sampled };
  }

  private sample(generation: number, expectedAdapter: string): Promise<SampledGroups> {
    const { config, prompts, schedule } = this.options;
    const step = generation * schedule.period + 1;
    const first = schedule.order.batch(generation).map((index) => prompts[index]!);
    return sampledGroups({
      groupSize: config.num_generations,
      groups: first.length,
      teaches: (group) => teaches(group, config),
      maxRounds: config.dynamic_sampling ? config.max_num_gen_batches : 1,
      sample: (round, count) => {
        const further = furtherPrompts(prompts, { seed: config.seed, generation, round });
        const chosen = round === 0 ? first : further.slice(0, count);
        const place = round === 0 ? `${step}` : `${step}.${round}`;
        return this.rollouts(chosen, { place, expectedAdapter });
      },
    });
  }

  private async rollouts(
    chosen: readonly PromptedRow[],
    { place, expectedAdapter }: { readonly place: string; readonly expectedAdapter: string },
  ): Promise<readonly GradedRollout[]> {
    const { config, writer: sampler, rewards } = this.options;
    const named = chosen.map((prompt, i) => ({ ...prompt, id: `${place}/${i}/${prompt.id}` }));
    return gradedRollouts(named, {
      sampler,
      n: config.num_generations,
      grade: rewards.grade,
      params: { ...samplingParams(config, config.max_completion_length), ...filterParams(config) },
      expectedAdapter,
    });
  }

  private generationOf(
    { groups, probe, seconds }: Sampled,
    { step, staleness }: { readonly step: number; readonly staleness: number },
  ): Generation {
    const { config, logs, rewards } = this.options;
    const judge = rewards.stats();
    const { chosen, replaced, rounds } = groups;
    const rollouts = config.shuffle_rewards ? shuffled(chosen, config.seed, step) : chosen;
    const advantages = advantagesOf(rollouts, config);
    this.checkGraded(rollouts.map(({ grade }) => grade));
    this.checkRewards(advantages);
    return {
      completions: rollouts.map(({ prompt, completion }, i) => ({
        promptIds: prompt.promptIds,
        ids: completion.ids,
        logprobs: policyLogprobs(completion),
        ...(completion.tools && { toolMask: completion.tools.mask }),
        advantage: advantages[i]!,
        isMasked: config.mask_truncated_completions && completion.finishReason !== 'stop',
      })),
      metrics: {
        ...generationMetrics(config.dynamic_sampling ? [...chosen, ...replaced] : rollouts, config),
        ...logs.write({ rollouts, advantages, replaced }, step),
        ...(isTruncated(config) && truncationMetrics(rollouts)),
        ...(config.dynamic_sampling && { 'sampling/rounds': rounds }),
        ...(config.max_staleness > 0 && { staleness }),
        ...judgeCounts(judge === null ? [] : [judge], 'judge/'),
        'probe/max_logprob_difference': probe.max,
        'probe/mean_logprob_difference': probe.mean,
        sync_ms: probe.syncMs,
        rollout_time: seconds,
      },
    };
  }

  /** @throws GuardError when nothing could be learnt for too long. */
  private checkRewards(advantages: readonly number[]): void {
    const { max_equal_rewards: limit } = this.options.config;
    this.equal = advantages.every((advantage) => advantage === 0) ? this.equal + 1 : 0;
    if (limit === null || this.equal < limit) return;
    throw new GuardError({
      where: 'equal_rewards',
      problem: `in ${limit} generations on end all completions of each prompt had the same reward`,
      remedy: 'Take rows of medium difficulty, train the format by sft first, or check the rewards',
    });
  }

  private async sync(): Promise<ProbeResult & Synced> {
    const { session, sampler, tolerance } = this.options;
    const { trained, run, source } = session;
    const { hash, syncMs } = await run.phases.time('sync', () =>
      syncSampler({ trained, source }, sampler),
    );
    const probe = await run.phases.time('probe', () =>
      probePolicy({
        policy: trained.policy,
        sampler,
        sequences: this.probe,
        expectedHash: hash,
        tolerance,
      }),
    );
    return { ...probe, hash, syncMs };
  }
}

/** The control experiment: the same rewards, dealt to other completions. */
function shuffled(rollouts: readonly GradedRollout[], seed: number, step: number): GradedRollout[] {
  const grades = Rng.of(seed, 'shuffle-rewards', step).shuffle(rollouts.map(({ grade }) => grade));
  return rollouts.map((rollout, i) => ({ ...rollout, grade: grades[i]! }));
}
