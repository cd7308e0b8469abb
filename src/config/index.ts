/** Configs: strict schemas with defaults, loaded from YAML, environment and command line. */
export { choicesOf, keysOf } from './choices.js';
export { type CommandName, commandSchemas } from './commands.js';
export { resolvedYaml } from './dump.js';
export { inputPaths } from './input-paths.js';
export { environmentLookup, interpolateTree, type Lookup } from './interpolate.js';
export { type ConfigSchema, declaredOf, type KeyDoc, keyDocs, schemaAt } from './introspect.js';
export { isForeignName, ownPath } from './key-names.js';
export type { Layer } from './layer.js';
export { loadConfig, resolveConfig } from './load.js';
export { overrideLayer, refusePipelineReference, splitArguments } from './overrides.js';
export { pipelineKeys } from './pipeline-keys.js';
export { isHandling, runDir } from './run-dir.js';
export type { ArmConfig } from './schemas/arms.js';
export {
  type BenchDpoConfig,
  type BenchGrpoConfig,
  type BenchRolloutConfig,
  type BenchSftConfig,
  benchDpoSchema,
  benchGrpoSchema,
  benchRolloutSchema,
  benchSchema,
  benchSftSchema,
} from './schemas/bench.js';
export { type BenchGradeConfig, benchGradeSchema } from './schemas/bench-grade.js';
export { type ChatConfig, chatSchema } from './schemas/chat.js';
export { type CompareConfig, compareSchema } from './schemas/compare.js';
export { completionSchema } from './schemas/completion.js';
export { type DataConfig, dataSchema } from './schemas/data.js';
export type { DatasetConfig } from './schemas/dataset.js';
export { type DpoConfig, dpoSchema, takesAnswers } from './schemas/dpo.js';
export { answerLoss, compares, lossTypes } from './schemas/dpo-losses.js';
export { type EvalConfig, evalSchema, evaluationDefaults } from './schemas/eval.js';
export { type ExportConfig, exportSchema } from './schemas/export.js';
export { type FactorizeConfig, factorizeSchema } from './schemas/factorize.js';
export { type GenerateConfig, generateSchema } from './schemas/generate.js';
export { type GradeConfig, gradeSchema } from './schemas/grade.js';
export { parseGrader } from './schemas/grader.js';
export {
  type GraderKeys,
  type JudgeConfig,
  type RewardConfig,
  USUAL_JUDGE,
} from './schemas/grader-keys.js';
export type { RolloutDevice, RolloutPrecision } from './schemas/groups.js';
export { type GrpoConfig, grpoSchema } from './schemas/grpo.js';
export { type InitModelConfig, initModelSchema, MODEL_TYPES } from './schemas/init-model.js';
export { type JobConfig, jobSchema } from './schemas/job.js';
export { loraSchema } from './schemas/lora.js';
export { type OpenaiConfig, openaiHyperparameters, openaiSchema } from './schemas/openai.js';
export { type PairsConfig, pairsSchema } from './schemas/pairs.js';
export { pipelineSchema, type StageConfig, sweepSchema } from './schemas/pipeline.js';
export { type PredictConfig, predictSchema } from './schemas/predict.js';
export type { QuantizationKeys } from './schemas/quantization.js';
export { type QuickstartConfig, quickstartSchema } from './schemas/quickstart.js';
export { type RolloutsConfig, rolloutsSchema } from './schemas/rollouts.js';
export { type ScoreConfig, scoreSchema } from './schemas/score.js';
export { type ServeConfig, serveSchema } from './schemas/serve.js';
export type { ServerConfig } from './schemas/server.js';
export { doctorSchema, type SetupConfig, setupSchema } from './schemas/setup.js';
export { type SftConfig, sftSchema } from './schemas/sft.js';
export { type SolveConfig, solveSchema } from './schemas/solve.js';
export { type CodeConfig, type StrategyConfig, samplesOf } from './schemas/strategy.js';
export { type TinkerConfig, tinkerSchema } from './schemas/tinker.js';
export { type TracesConfig, tracesSchema } from './schemas/traces.js';
export { DEFAULT_BENCHMARK, impliedEvaluation, type TrainerKeys } from './schemas/training.js';
export { readYamlFile, type YamlFile } from './yaml-file.js';
