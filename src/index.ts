/**
 * The public API: what the command line does, as functions, and the parts to build on: rewards, losses,
 * rollouts, evaluation.
 */
export {
  type CompareConfig,
  type DataConfig,
  type DpoConfig,
  dpoSchema,
  type EvalConfig,
  evalSchema,
  type GenerateConfig,
  type GrpoConfig,
  generateSchema,
  grpoSchema,
  type InitModelConfig,
  initModelSchema,
  loadConfig,
  type PairsConfig,
  parseGrader,
  type ScoreConfig,
  type SftConfig,
  type SolveConfig,
  scoreSchema,
  sftSchema,
  solveSchema,
  type TracesConfig,
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
export type { RecipeContext } from './recipes/context.js';
export { runDpo } from './recipes/dpo.js';
export { runEval } from './recipes/eval.js';
export { runGenerate } from './recipes/generate.js';
export { runGrade } from './recipes/grade.js';
export { runGrpo } from './recipes/grpo.js';
export { runInitModel } from './recipes/init-model.js';
export { runScore } from './recipes/score.js';
export { runSft } from './recipes/sft.js';
export { openSolver, type Solver, type SolverConfig } from './recipes/solve.js';
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
  runPython,
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
