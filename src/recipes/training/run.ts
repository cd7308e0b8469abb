/**
 * What the three trainers share: check the input, build the policy, find the checkpoint, and only then open
 * the run folder for the session. What was opened is closed in the end, the last first.
 */
import { checkRun, checkTrackers, openRun } from '../../report/index.js';
import { closing } from '../../util/close-stack.js';
import { sum } from '../../util/numbers.js';
import type { RecipeContext } from '../context.js';
import { openModel } from '../inputs/model-source.js';
import { samplersBeside } from '../memory/samplers.js';
import { inRun } from '../outputs/in-run.js';
import { runOf } from '../outputs/run-of.js';
import { noteSources } from '../outputs/run-sources.js';
import { checkAlarms } from './alarms.js';
import { checkpointStore, findCheckpoint } from './checkpoints.js';
import { configureDevice } from './configure-device.js';
import { checkEvaluationRollouts, openTrainedEvaluation } from './evaluate-trained.js';
import { sayKeptShape } from './kept-shape.js';
import { logImpliedTracker, trackerNames } from './log.js';
import type { TrainingRecipe } from './recipe.js';
import { runSession, type TrainingResult } from './session.js';
import { routerCoefficient, trainedPolicy } from './trained-policy.js';
import type { TrainerConfig } from './trainer-config.js';
import { checkWatchedMetric } from './watched-metric.js';

export function trainingRun<Config extends TrainerConfig, Inputs>(
  recipe: TrainingRecipe<Config, Inputs>,
  config: Config,
  caller: RecipeContext,
): Promise<TrainingResult> {
  return closing(async (stack) => {
    const { context, sources } = noteSources(caller);
    const { dir, options } = runOf(recipe.command, config);
    checkRun(dir, options);
    logImpliedTracker(config, context);
    await checkTrackers({ names: trackerNames(config), env: process.env });
    checkAlarms(config);
    configureDevice(config);
    const source = stack.adopt(await openModel(config, context), (own) => own.close());
    checkEvaluationRollouts(config, source.spec);
    sayKeptShape(config, source, context.log);
    const inputs = await recipe.inputs(config, source, context);
    stack.defer(() => recipe.close?.(inputs));
    const heldOut = recipe.heldOutMetrics(inputs, source);
    const isBalanced = routerCoefficient(config, source.spec) !== 0;
    checkWatchedMetric(config, {
      heldOut: heldOut && (isBalanced ? [...heldOut, 'aux_loss'] : heldOut),
      hasRewards: (config.rewards ?? []).length > 0,
    });
    const evaluation = await openTrainedEvaluation(config, source, context);
    stack.defer(() => evaluation?.graders?.close());
    const started = performance.now();
    const { size } = recipe;
    const lengths = recipe.sequences(inputs).map(({ ids }) => ids.length);
    const length = sum(lengths) / lengths.length;
    const trained = trainedPolicy(config, source, {
      keepReference: size.comparesWithReference(config),
      shape: size.shape(config),
      usualLength: size.usualLength?.(config, length) ?? length,
      samplers: samplersBeside(config, size.rollouts?.(config)),
    });
    stack.defer(() => trained.dispose());
    const store = checkpointStore(dir, { config, source, trained });
    const checkpoint = findCheckpoint(store, config);
    const loadSeconds = (performance.now() - started) / 1000;
    recipe.check?.(config, source);
    const reads = [...(options.reads ?? []), source.baseDir];
    context.stopsInOrder?.();
    const run = openRun(dir, { ...options, reads, sources });
    return await inRun(run, context, async () => {
      run.phases.add('load', loadSeconds);
      const startStep = checkpoint?.state.step ?? 0;
      const session = { run, source, trained, startStep, context };
      const args = { recipe, config, inputs, evaluation, sources, store, checkpoint };
      return await runSession(session, args);
    });
  });
}
