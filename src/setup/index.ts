/** Sets up the native runtimes and looks at what this machine offers them. */

export {
  hasBfloat16,
  TRAINING_DRIVER,
  type Unfit,
  unfitForRollouts,
  unfitForTraining,
} from './card-requirements.js';
export { glibcVersion } from './device.js';
export {
  cardMemory,
  describeCard,
  findCard,
  memoryQuestion,
  type NvidiaGpu,
  nvidiaGpu,
  unlistedCard,
} from './nvidia.js';
export type { SetupObserver } from './observer.js';
export { operatorsLibrary, setUpOperators } from './operators.js';
export { ensureWritable, freeBytes, gigabytes } from './place.js';
export { type ProbeResult, probeBinding } from './probe.js';
export { type PythonEnvironment, setUpPythonEnvironment } from './python-environment.js';
export {
  type CudaRollouts,
  cudaRolloutsEnv,
  findCudaRollouts,
  setUpCudaRollouts,
} from './rollout-cuda.js';
export { setUpTensorflow } from './set-up.js';
export { findCompiler, findPython } from './tools.js';
