/** The way `run` and `sweep` go: file → stages → plan or run → JSON. */
import type { ConfigSchema } from '../config/index.js';
import type { RecipeContext } from '../recipes/context.js';
import type { LoadPipelineOptions } from '../recipes/pipeline/head.js';
import type { StageLauncher } from '../recipes/pipeline/launch.js';
import type { PipelineResult, StageReport } from '../recipes/pipeline/report.js';
import type { Pipeline, planPipeline } from '../recipes/pipeline.js';
import { InputError } from '../util/errors.js';
import type { Call } from './call.js';
import { printDryRun, readInput, recipeContext } from './command.js';
import { stageLauncher, thisProgram } from './launch.js';

/** A sweep also names its table. */
type Result = PipelineResult & { readonly table?: string };

interface PipelineKind<P extends Pipeline> {
  readonly schema: ConfigSchema;
  readonly load: (options: LoadPipelineOptions) => P;
  readonly plan: typeof planPipeline;
  readonly run: (pipeline: P, context: RecipeContext, launch: StageLauncher) => Promise<Result>;
}

export async function handlePipeline<P extends Pipeline>(
  call: Call,
  { schema, load, plan, run }: PipelineKind<P>,
): Promise<void> {
  const { file, overrides } = readInput(call, schema);
  if (file === undefined) {
    throw new InputError({
      where: 'command line',
      problem: 'no pipeline file is given',
      remedy: 'Give FILE, e.g. configs/gsm8k/compare.yaml',
    });
  }
  const pipeline = load({ file, overrides, env: call.env, note: call.err });
  if (call.dryRun) {
    dryRun(call, pipeline, plan(pipeline));
    return;
  }
  const result = await run(pipeline, recipeContext(call), stageLauncher(thisProgram()));
  const { pipelineFiles } = await import('../recipes/pipeline/report.js');
  const brief = { root: result.root, ...pipelineFiles(result.root), ...briefOf(result) };
  call.out(JSON.stringify(call.json ? result : brief));
}

/** How many stages there are of each status. */
function briefOf({ stages, table }: Result) {
  const counts: Partial<Record<StageReport['status'], number>> = {};
  for (const { status } of stages) counts[status] = (counts[status] ?? 0) + 1;
  const targets = stages.flatMap((stage) => stage.targets);
  const met = targets.filter(({ isMet }) => isMet).length;
  return {
    ...(table && { table }),
    stages: counts,
    ...(targets.length > 0 && { targets: { met, missed: targets.length - met } }),
  };
}

function dryRun(call: Call, pipeline: Pipeline, plans: ReturnType<typeof planPipeline>): void {
  const config = {
    root: pipeline.root,
    stages: pipeline.stages.map(({ id, command, config }) => ({ name: id, command, config })),
  };
  const plan = plans.map(({ stage, action, reason }) => {
    const after = stage.upstream.length === 0 ? '' : `, after ${stage.upstream.join(', ')}`;
    const gate = stage.gate === null ? '' : `, stops if ${stage.gate.text}`;
    return `${stage.id}: ${stage.command}: ${action} (${reason})${after}${gate}`;
  });
  printDryRun(call, config, plan);
}
