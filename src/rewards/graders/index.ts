/** Graders as JSON objects, compiled to functions. */
export { type CompileOptions, compileGrader, type JsonGrader } from './compile.js';
export {
  type GraderOutcome,
  type GradeStatus,
  GradeTimeout,
  hasFailed,
  passes,
  passThreshold,
  reaches,
} from './outcome.js';
export { type GradedSample, gradedSample } from './sample.js';
export { type GraderSpec, graderTypes } from './spec.js';
export { compileTemplate } from './template.js';
export type { GraderTools } from './tools.js';
