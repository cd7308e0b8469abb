/**
 * `lorikeet run FILE`: stages in order, each skipped when it is done with the same content hash, resumed
 * when it was stopped, made again when what it depends on changed. A stage is a command in a process of
 * its own: native memory is given back after each, a crash costs one stage, and a stage does exactly
 * what the same command does by hand with `<root>/stages/<id>.yaml`.
 */
import { join } from 'node:path';
import type { Section } from '../report/index.js';
import { removeParts, removePartsOf } from '../util/atomic-file.js';
import { messageOf } from '../util/errors.js';
import { writeJson } from '../util/files.js';
import { withLock } from '../util/lock.js';
import type { RecipeContext } from './context.js';
import { executeStage, type Progress } from './pipeline/execute.js';
import { type PipelineFile, readPipelineFile } from './pipeline/file.js';
import type { LoadPipelineOptions } from './pipeline/head.js';
import type { StageLauncher } from './pipeline/launch.js';
import { type PipelineResult, pipelineFiles, stageReport } from './pipeline/report.js';
import { resolveStages, type Stage } from './pipeline/stages.js';
import { planStage, type StagePlan } from './pipeline/state.js';

export interface Pipeline {
  readonly file: string;
  readonly root: string;
  readonly metrics: readonly string[];
  readonly stages: readonly Stage[];
  /** Of the report; default: Pipeline. */
  readonly title?: string;
  /** Sections of the report beside the usual ones. */
  readonly sections?: (result: PipelineResult) => readonly Section[];
  /** What `writeMore` writes. */
  readonly moreFiles?: readonly string[];
  /** Writes what there is beside the usual files; called once, also when a stage stops the run. */
  readonly writeMore?: (result: PipelineResult, context: RecipeContext) => Promise<void>;
}

export function pipelineOf(file: PipelineFile): Pipeline {
  const { yaml, root, metrics } = file;
  return { file: yaml.path, root, metrics, stages: resolveStages(file) };
}

/** Reads a pipeline file and checks every stage. @throws InputError with `file:line`. */
export function loadPipeline(options: LoadPipelineOptions): Pipeline {
  return pipelineOf(readPipelineFile(options));
}

/** What a run would do with each stage, in order. */
export function planPipeline({
  root,
  stages,
}: Pipeline): (StagePlan & { readonly stage: Stage })[] {
  const hashes = new Map<string, string>();
  return stages.map((stage) => {
    const plan = planStage(root, stage, (id) => hashes.get(id) as string);
    hashes.set(stage.id, plan.hash);
    return { ...plan, stage };
  });
}

/**
 * Runs what is not done. `<root>/pipeline.json` and `report.html` hold the result, also when a stage stops the run.
 * @throws GateError when a gate holds, InterruptError on the signal, else what the stage's exit code says.
 */
export async function runPipeline(
  pipeline: Pipeline,
  context: RecipeContext,
  launch: StageLauncher,
): Promise<PipelineResult> {
  context.stopsInOrder?.();
  const { root, moreFiles = [] } = pipeline;
  const progress = { root, context, launch, hashes: new Map(), reports: new Map() };
  const stages = join(root, 'stages');
  const run = async () => {
    removePartsOf([...Object.values(pipelineFiles(root)), ...moreFiles]);
    removeParts(stages);
    return await runStages(pipeline, progress);
  };
  return withLock(join(stages, '.lock'), run, {
    signal: context.signal,
    onWait: () => context.log(`another pipeline is running in ${root}; waiting for it`),
  });
}

async function runStages(pipeline: Pipeline, progress: Progress): Promise<PipelineResult> {
  try {
    for (const stage of pipeline.stages) await executeStage(stage, progress);
  } catch (error) {
    await writeResult(pipeline, progress).catch((failure) =>
      progress.context.log(`what was done is not written: ${messageOf(failure)}`),
    );
    throw error;
  }
  return await writeResult(pipeline, progress);
}

async function writeResult(pipeline: Pipeline, progress: Progress): Promise<PipelineResult> {
  const result = resultOf(pipeline, progress);
  writeJson(pipelineFiles(pipeline.root).pipeline, result);
  // Drawing libraries are loaded when there is something to draw, not at every start of the program.
  const { summaryText, writePipelinePage } = await import('./pipeline/page.js');
  const { title = 'Pipeline', metrics, sections = () => [] } = pipeline;
  progress.context.log(summaryText(result, metrics));
  writePipelinePage(result, { title, metrics, sections: sections(result) });
  await pipeline.writeMore?.(result, progress.context);
  return result;
}

function resultOf({ file, root, stages }: Pipeline, { reports }: Progress): PipelineResult {
  const waiting = { status: 'waiting', seconds: 0, hash: null, result: null } as const;
  return {
    file,
    root,
    stages: stages.map((stage) => reports.get(stage.id) ?? stageReport(stage, waiting)),
  };
}
