/** The evaluation that a trainer runs on its own result, into its own run folder. */
import { type Evaluation, writeEvaluation } from '../evaluate/index.js';
import type { RunFolder } from '../report/index.js';
import type { RecipeContext } from './context.js';
import { evaluateModel } from './eval.js';
import { openModel } from './model-source.js';
import type { TrainerConfig } from './policy-source.js';

/** @returns null when the config asks for none. */
export async function evaluateTrained(
  run: RunFolder,
  config: TrainerConfig,
  context: RecipeContext,
): Promise<Evaluation | null> {
  if (config.eval === null) return null;
  const source = await openModel({ model: run.paths.model }, context);
  try {
    const keys = { stop: [], ...config, ...config.eval };
    const evaluation = await run.phases.time('evaluate', () =>
      evaluateModel(source, keys, context),
    );
    const { stage, output_file: outputFile } = config.eval;
    writeEvaluation(run, { stage: stage ?? config.stage, evaluation, outputFile });
    return evaluation;
  } finally {
    source.close();
  }
}
