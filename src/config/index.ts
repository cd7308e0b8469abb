/** Configs: strict schemas with defaults, loaded from YAML, environment and command line. */
export { choicesOf, filesOf, keysOf } from './choices.js';
export type { CommandName } from './commands.js';
export { commandSchemas } from './commands.js';
export { canonicalJson, configHash, resolvedYaml } from './dump.js';
export { inputPaths } from './input-paths.js';
export type { Lookup } from './interpolate.js';
export { environmentLookup, interpolateTree } from './interpolate.js';
export type { ConfigSchema, KeyDoc } from './introspect.js';
export { keyDocs, schemaAt } from './introspect.js';
export { isForeignName, ownPath } from './key-names.js';
export type { Layer } from './layer.js';
export { loadConfig, resolveConfig } from './load.js';
export { nearest } from './nearest.js';
export { overrideLayer, splitArguments } from './overrides.js';
export { pipelineKeys } from './pipeline-keys.js';
export { isHandling, resumeKeys, runDir } from './run-dir.js';
export type { ArmConfig } from './schemas/arms.js';
export type {
  BenchDpoConfig,
  BenchGrpoConfig,
  BenchRolloutConfig,
  BenchSftConfig,
} from './schemas/bench.js';
export {
  benchDpoSchema,
  benchGrpoSchema,
  benchRolloutSchema,
  benchSchema,
  benchSftSchema,
} from './schemas/bench.js';
export type { BenchGradeConfig } from './schemas/bench-grade.js';
export { benchGradeSchema } from './schemas/bench-grade.js';
export type { ChatConfig } from './schemas/chat.js';
export { chatSchema } from './schemas/chat.js';
export type { CompareConfig } from './schemas/compare.js';
export { compareSchema } from './schemas/compare.js';
export { completionSchema } from './schemas/completion.js';
export type { DataConfig } from './schemas/data.js';
export { dataSchema } from './schemas/data.js';
export type { DatasetConfig } from './schemas/dataset.js';
export type { DpoConfig } from './schemas/dpo.js';
export { dpoSchema, takesAnswers } from './schemas/dpo.js';
export { answerLoss, compares, lossTypes } from './schemas/dpo-losses.js';
export type { EvalConfig } from './schemas/eval.js';
export { evalSchema, evaluationDefaults } from './schemas/eval.js';
export { type ExportConfig, exportSchema } from './schemas/export.js';
export type { FactorizeConfig } from './schemas/factorize.js';
export { factorizeSchema } from './schemas/factorize.js';
export type { GenerateConfig } from './schemas/generate.js';
export { generateSchema } from './schemas/generate.js';
export type { GradeConfig } from './schemas/grade.js';
export { gradeSchema } from './schemas/grade.js';
export { parseGrader } from './schemas/grader.js';
export {
  type GraderKeys,
  type JudgeConfig,
  type RewardConfig,
  USUAL_JUDGE,
} from './schemas/grader-keys.js';
export type { RolloutDevice, RolloutPrecision } from './schemas/groups.js';
export type { GrpoConfig } from './schemas/grpo.js';
export { grpoSchema } from './schemas/grpo.js';
export type { InitModelConfig } from './schemas/init-model.js';
export { initModelSchema, MODEL_TYPES } from './schemas/init-model.js';
export type { JobConfig } from './schemas/job.js';
export { jobSchema } from './schemas/job.js';
export { loraSchema } from './schemas/lora.js';
export {
  type OpenaiConfig,
  openaiHyperparameters,
  openaiSchema,
} from './schemas/openai.js';
export type { PairsConfig } from './schemas/pairs.js';
export { pairsSchema } from './schemas/pairs.js';
export type { StageConfig } from './schemas/pipeline.js';
export { pipelineSchema, sweepSchema } from './schemas/pipeline.js';
export type { PredictConfig } from './schemas/predict.js';
export { predictSchema } from './schemas/predict.js';
export type { QuantizationKeys } from './schemas/quantization.js';
export type { QuickstartConfig } from './schemas/quickstart.js';
export { quickstartSchema } from './schemas/quickstart.js';
export type { RolloutsConfig } from './schemas/rollouts.js';
export { rolloutsSchema } from './schemas/rollouts.js';
export type { ScoreConfig } from './schemas/score.js';
export { scoreSchema } from './schemas/score.js';
export type { ServeConfig } from './schemas/serve.js';
export { serveSchema } from './schemas/serve.js';
export type { ServerConfig } from './schemas/server.js';
export { doctorSchema, setupSchema } from './schemas/setup.js';
export type { SftConfig } from './schemas/sft.js';
export { sftSchema } from './schemas/sft.js';
export type { SolveConfig } from './schemas/solve.js';
export { solveSchema } from './schemas/solve.js';
export { type CodeConfig, type StrategyConfig, samplesOf } from './schemas/strategy.js';
export { type TinkerConfig, tinkerSchema } from './schemas/tinker.js';
export type { TracesConfig } from './schemas/traces.js';
export { tracesSchema } from './schemas/traces.js';
export { DEFAULT_BENCHMARK, impliedEvaluation, type TrainerKeys } from './schemas/training.js';
export type { YamlFile } from './yaml-file.js';
export { readYamlFile } from './yaml-file.js';
