/** Runs untrusted code under limits. */
export { sandboxSupport } from './bubblewrap.js';
export { findInterpreter, pythonEnvironment } from './interpreter.js';
export {
  createPythonSandbox,
  type Isolation,
  type PythonSandbox,
  type PythonSandboxOptions,
  type PythonSession,
  runPython,
} from './python-sandbox.js';
export type { PythonBlockResult, PythonRequest, PythonResult, PythonStatus } from './request.js';
export {
  createWorkerPool,
  type WorkerCall,
  type WorkerPool,
  type WorkerPoolOptions,
  type WorkerResult,
} from './worker-pool.js';
