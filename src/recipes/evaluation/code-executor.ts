/** The sandbox that blocks of code run in, for strategies and for training. */
import type { CodeConfig, GraderKeys } from '../../config/index.js';
import type { CodeExecutor, CodeSession } from '../../evaluate/index.js';
import {
  createPythonSandbox,
  type PythonSandbox,
  type PythonSession,
} from '../../sandbox/index.js';
import { limiter } from '../../util/limiter.js';

export type CodeKeys = CodeConfig & Pick<GraderKeys, 'sandbox' | 'python_workers'>;

/**
 * Keeps as many processes for later sessions as may be open.
 * @throws SetupError without bubblewrap (unless `sandbox=none`) or Python
 */
export const codeSandbox = (
  keys: Pick<CodeKeys, 'sandbox' | 'max_tool_sessions'>,
): Promise<PythonSandbox> =>
  createPythonSandbox({
    isolation: keys.sandbox,
    preload: ['sympy'],
    workers: keys.max_tool_sessions,
  });

/** Sessions of which `python_workers` start or run a block at the same time. */
export function codeExecutor(sandbox: PythonSandbox, keys: CodeKeys): CodeExecutor {
  const working = limiter(keys.python_workers);
  return {
    open: async () => {
      const { run, close } = codeSession(await working(() => sandbox.openSession()), keys);
      return { run: (code) => working(() => run(code)), close };
    },
  };
}

function codeSession(
  session: PythonSession,
  { tool_timeout_s: seconds }: Pick<CodeKeys, 'tool_timeout_s'>,
): CodeSession {
  return {
    run: async (code) => {
      const result = await session.run({ code, showLast: true, timeoutMs: seconds * 1000 });
      if (result.status === 'ok') return { output: result.stdout, isError: false };
      const printed = /[^\n]$/.test(result.stdout) ? `${result.stdout}\n` : result.stdout;
      return { output: `${printed}${result.error ?? result.status}`, isError: true };
    },
    close: () => session.close(),
  };
}
