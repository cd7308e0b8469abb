/**
 * The public API: what the command line does, as functions, and the parts to build on: rewards, losses,
 * rollouts, evaluation. A function takes the config that `loadConfig` makes with the schema of its name, and
 * a context that says where lines go and what stops it; a pipeline also what starts its stages.
 */
export {
  type BenchDpoConfig,
  type BenchGradeConfig,
  type BenchGrpoConfig,
  type BenchRolloutConfig,
  type BenchSftConfig,
  benchDpoSchema,
  benchGradeSchema,
  benchGrpoSchema,
  benchRolloutSchema,
  benchSchema,
  benchSftSchema,
  type ChatConfig,
  type CompareConfig,
  chatSchema,
  compareSchema,
  type DataConfig,
  type DpoConfig,
  dataSchema,
  doctorSchema,
  dpoSchema,
  type EvalConfig,
  type ExportConfig,
  evalSchema,
  exportSchema,
  type FactorizeConfig,
  factorizeSchema,
  type GenerateConfig,
  type GradeConfig,
  type GrpoConfig,
  generateSchema,
  gradeSchema,
  grpoSchema,
  type InitModelConfig,
  initModelSchema,
  type JobConfig,
  jobSchema,
  loadConfig,
  type OpenaiConfig,
  openaiSchema,
  type PairsConfig,
  type PredictConfig,
  pairsSchema,
  parseGrader,
  pipelineSchema,
  predictSchema,
  type QuickstartConfig,
  quickstartSchema,
  type RolloutsConfig,
  rolloutsSchema,
  type ScoreConfig,
  type SftConfig,
  type SolveConfig,
  scoreSchema,
  serveSchema,
  setupSchema,
  sftSchema,
  solveSchema,
  sweepSchema,
  type TinkerConfig,
  type TracesConfig,
  tinkerSchema,
  tracesSchema,
} from './config/index.js';
export { type ArithmeticOptions, loadRows, makeArithmetic } from './data/index.js';
export {
  chatCompletion,
  type Endpoint,
  EndpointError,
  embeddings,
  endpointSettings,
  openEndpoint,
} from './endpoint/index.js';
export {
  evaluate,
  mathGrader,
  mcnemarExact,
  numericGrader,
  passAtK,
  type Solution,
  type StrategyOptions,
  solveAll,
  type Writer,
  wilson,
} from './evaluate/index.js';
export { dpoLoss, groupAdvantages, grpoLoss, sftLoss } from './losses/index.js';
export { Policy, planLora, readSpec } from './model/index.js';
export type { DecoderSpec } from './model/spec.js';
export { pairsFromRollouts } from './preferences/index.js';
export { benchDpo } from './recipes/bench/dpo.js';
export { benchGrade } from './recipes/bench/grade.js';
export { benchGrpo } from './recipes/bench/grpo.js';
export { benchRollout } from './recipes/bench/rollout.js';
export { benchSft } from './recipes/bench/sft.js';
export { runChat } from './recipes/chat.js';
export { runCompare } from './recipes/compare.js';
export type { RecipeContext } from './recipes/context.js';
export { runData } from './recipes/data.js';
export { runDoctor } from './recipes/doctor.js';
export { runDpo } from './recipes/dpo.js';
export { runEval } from './recipes/eval.js';
export { runExport } from './recipes/export.js';
export { runFactorize } from './recipes/factorize.js';
export { runGenerate } from './recipes/generate.js';
export { runGrade } from './recipes/grade.js';
export { runGrpo } from './recipes/grpo.js';
export { runInitModel } from './recipes/init-model.js';
export { runJob } from './recipes/job.js';
export { runOpenai } from './recipes/openai.js';
export { runPairs } from './recipes/pairs.js';
export type { StageLauncher } from './recipes/pipeline/launch.js';
export { loadPipeline, runPipeline } from './recipes/pipeline.js';
export { runPredict } from './recipes/predict.js';
export { runQuickstart } from './recipes/quickstart.js';
export { runRollouts } from './recipes/rollouts.js';
export { runScore } from './recipes/score.js';
export { type RunningServer, runServe, startServing } from './recipes/serve.js';
export { runSetup } from './recipes/setup.js';
export { runSft } from './recipes/sft.js';
export { openSolver, runSolve, type Solver, type SolverConfig } from './recipes/solve.js';
export { loadSweep, runSweep } from './recipes/sweep.js';
export { runTinker } from './recipes/tinker.js';
export { runTraces } from './recipes/traces.js';
export {
  compileGrader,
  defaultProcess,
  extractAnswer,
  FUZZ_SCORERS,
  type Grader,
  type GraderSpec,
  type GraderTools,
  gradedSample,
  makeRewards,
  mathEquivalent,
  type Reward,
} from './rewards/index.js';
export {
  type Completion,
  createOnnxSampler,
  createRemoteSampler,
  PLAIN_SAMPLING,
  type PromptRequest,
  type Sampler,
  type SamplingParams,
  schemaConstraint,
  schemaGrammar,
  type TokenConstraint,
  tokenConstraint,
} from './rollout/index.js';
export {
  createPythonSandbox,
  type PythonRequest,
  type PythonResult,
  type PythonSandbox,
  type PythonSession,
} from './sandbox/index.js';
export { loadTokenizer, renderExample, renderPrompt, type Tokenizer } from './tokenizer/index.js';
export {
  GateError,
  GuardError,
  InputError,
  InterruptError,
  LorikeetError,
  RunError,
  SetupError,
} from './util/errors.js';
export { type Adapter, openCheckpoint, readAdapter, writeAdapter } from './weights/index.js';
