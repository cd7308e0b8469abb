/** One stage of a running pipeline: skip or start it, remember what came of it, test its gate. */
import { resolvedYaml } from '../../config/index.js';
import { GateError, InputError, type InterruptError, RunError } from '../../util/errors.js';
import { writeFileAtomic } from '../../util/files.js';
import { wasStopped } from '../../util/stop-signals.js';
import type { RecipeContext } from '../context.js';
import { interruption } from '../interrupt.js';
import { otherStage } from './gate.js';
import type { StageLauncher, StageOutcome } from './launch.js';
import { metricOf } from './metrics.js';
import { outputStamp } from './output-stamp.js';
import { type ReportParts, type StageReport, stageReport, targetCells } from './report.js';
import { hasKey, type Stage } from './stages.js';
import { configFile, planStage, type StagePlan, type StageStatus, writeState } from './state.js';

/** A pipeline being run. */
export interface Progress {
  readonly root: string;
  readonly context: RecipeContext;
  readonly launch: StageLauncher;
  /** By stage id, for the stages so far. */
  readonly hashes: Map<string, string>;
  readonly reports: Map<string, StageReport>;
}

/** @throws GateError, InterruptError, or what the stage's exit code says. */
export async function executeStage(stage: Stage, progress: Progress): Promise<void> {
  const { root, hashes, context } = progress;
  const plan = planStage(root, stage, (id) => hashes.get(id) as string);
  hashes.set(stage.id, plan.hash);
  if (plan.action === 'skip' && plan.previous !== null) {
    const { seconds, result } = plan.previous;
    context.log(`stage ${stage.id}: done already, skipped`);
    note(progress, stage, { status: 'skipped', seconds, hash: plan.hash, result });
  } else {
    await startStage(stage, plan, progress);
  }
  testTargets(stage, progress);
  testGate(stage, progress);
}

const note = ({ reports }: Progress, stage: Stage, parts: ReportParts): void =>
  void reports.set(stage.id, stageReport(stage, parts));

async function startStage(stage: Stage, plan: StagePlan, progress: Progress): Promise<void> {
  const { root, context, launch } = progress;
  const { signal, log } = context;
  if (signal.aborted) throw interrupted(signal, stage);
  log(`stage ${stage.id}: ${stage.command} (${plan.reason})`);
  const path = configFile(root, stage.id);
  writeFileAtomic(path, resolvedYaml(handledConfig(stage, plan.action)));
  const own = { hash: plan.hash, outputs: ownOutputs(stage, plan) };
  const earlier = plan.action === 'resume' ? (plan.previous?.seconds ?? 0) : 0;
  const unfinished = { ...own, seconds: earlier, exit_code: null, result: null };
  const stamp = outputStamp(stage.output);
  const before = stage.output !== null && {
    before: { output: stage.output, stamp, state: plan.previous },
  };
  writeState(root, stage.id, { ...unfinished, status: 'running', ...before });
  const started = performance.now();
  const outcome = await launch({ command: stage.command, configFile: path, signal, log });
  const seconds = Math.round(1000 * earlier + performance.now() - started) / 1000;
  const status = statusOf(outcome);
  const { exitCode, result } = outcome;
  const ended = { ...own, status, seconds, exit_code: exitCode, result };
  const mayBeUntouched = exitCode === BAD_INPUT || (exitCode !== 0 && stage.output !== null);
  const isUntouched = mayBeUntouched && outputStamp(stage.output) === stamp;
  writeState(root, stage.id, isUntouched ? plan.previous : ended);
  note(progress, stage, { status, seconds, hash: plan.hash, result });
  if (status === 'interrupted') throw interrupted(signal, stage);
  if (status === 'failed') throw failure(stage, outcome);
}

/**
 * Exit code of a command that has refused its input. Where a command fails and its output is as before, the stage
 * is what it was: it owns no more, and what it was to replace is still to be replaced.
 */
const BAD_INPUT = 2;

function ownOutputs({ output, files }: Stage, { previous }: StagePlan): string[] {
  const written = output === null ? files : [output, ...files];
  return [...new Set([...(previous?.outputs ?? []), ...written])];
}

function statusOf({ exitCode }: StageOutcome): Exclude<StageStatus, 'running'> {
  if (exitCode === 0) return 'done';
  return wasStopped(exitCode) ? 'interrupted' : 'failed';
}

/** The config with what an earlier attempt asks for: go on from it, or replace it. */
function handledConfig(stage: Stage, action: StagePlan['action']): Record<string, unknown> {
  const { command, config } = stage;
  const replaces = hasKey(command, 'overwrite');
  if (action === 'resume' && hasKey(command, 'resume')) {
    return { ...config, resume: 'auto', ...(replaces && { overwrite: false }) };
  }
  if (!replaces || (action !== 'resume' && action !== 'redo')) return { ...config };
  return { ...config, overwrite: true, ...(config.resume === 'auto' && { resume: 'never' }) };
}

function interrupted(signal: AbortSignal, stage: Stage): InterruptError {
  return interruption(signal, {
    problem: `interrupted at stage ${stage.id}`,
    remedy: 'Run the same command again to go on',
  });
}

function failure({ id, command, where }: Stage, { exitCode, killedBy }: StageOutcome): Error {
  const stage = `stage ${id} (${command})`;
  if (killedBy !== undefined) {
    const why = killedBy === 'SIGKILL' ? ', as the system does where memory runs out' : '';
    return new RunError({
      where,
      problem: `${stage} was killed by ${killedBy}${why}`,
      remedy: 'Run the same command again to go on; finished stages are kept',
    });
  }
  const parts = {
    where,
    problem: `${stage} failed with exit code ${exitCode}`,
    remedy: 'Its error stands above; finished stages are kept',
  };
  return exitCode === BAD_INPUT ? new InputError(parts) : new RunError(parts);
}

function testTargets(stage: Stage, progress: Progress): void {
  const own = progress.reports.get(stage.id);
  if (own === undefined) return;
  const targets = stage.targets.map(({ text, test }) => {
    const values: Record<string, number | null> = {};
    const isMet = test((name) => {
      values[name] = gateMetric(name, own, progress);
      return values[name] ?? Number.NaN;
    });
    // What could not be told meets no target, also not one with `not` or `!=`.
    return { text, values, isMet: isMet && !Object.values(values).includes(null) };
  });
  note(progress, stage, { ...own, targets });
  for (const target of targets) {
    const [text, measured, result] = targetCells(target);
    progress.context.log(`stage ${stage.id}: target ${text} ${result} (${measured})`);
  }
}

function testGate(stage: Stage, progress: Progress): void {
  const { gate, id } = stage;
  const own = progress.reports.get(id);
  if (gate === null || own === undefined) return;
  const gated = (problem: string): GateError => {
    note(progress, stage, { ...own, status: 'gated' });
    const remedy = 'Change the stage or the gate and run again; finished stages are kept';
    return new GateError({ where: stage.where, problem, remedy });
  };
  const isMet = gate.test((name) => {
    const value = gateMetric(name, own, progress);
    if (value !== null) return value;
    throw gated(`stage ${id} has a gate "${gate.text}", and ${name} is null: nothing was graded`);
  });
  if (isMet) throw gated(`stage ${id} met its gate "${gate.text}"`);
}

/** A number of the stage's own result, or of another's by `stages.NAME.metric`; null where it could not be told. */
function gateMetric(name: string, own: StageReport, { reports }: Progress): number | null {
  const other = otherStage(name);
  if (other === null) return metricOf(own.result, name, `stage ${own.name}`);
  const { stage, metric } = other;
  const sibling = own.name.includes('/') ? own.name.replace(/[^/]*$/, stage) : stage;
  return metricOf((reports.get(sibling) ?? reports.get(stage))?.result, metric, `stage ${stage}`);
}
