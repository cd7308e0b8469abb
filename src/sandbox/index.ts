/** Runs untrusted code under limits. */
export { sandboxSupport } from './bubblewrap.js';
export { findInterpreter, pythonEnvironment } from './interpreter.js';
export { createPythonSandbox, type PythonSandbox, type PythonSession } from './python-sandbox.js';
export type { PythonRequest, PythonResult } from './request.js';
