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

/** @throws SetupError without bubblewrap (unless `sandbox=none`) or Python */
export const codeSandbox = (
  keys: Pick<CodeKeys, 'sandbox'>,
  sessions?: number,
): Promise<PythonSandbox> =>
  createPythonSandbox({
    isolation: keys.sandbox,
    preload: ['sympy'],
    ...(sessions !== undefined && { workers: sessions }),
  });

/**
 * Sessions that run `python_workers` blocks at the same time.
 * @param maxSessions Sessions that are open at the same time; the next waits for the end of one. Needs a
 *   sampler that goes on with the others meanwhile. Default: no bound.
 */
export function codeExecutor(
  sandbox: PythonSandbox,
  keys: CodeKeys,
  maxSessions = Number.POSITIVE_INFINITY,
): CodeExecutor {
  const sessions = limiter(maxSessions);
  const blocks = limiter(keys.python_workers);
  return {
    open: () =>
      new Promise((resolve, reject) => {
        const hold = async () => {
          const session = await sandbox.openSession();
          await new Promise<void>((done) => {
            const { run, close } = codeSession(session, keys);
            resolve({ run: (code) => blocks(() => run(code)), close: () => close().finally(done) });
          });
        };
        sessions(hold).catch(reject);
      }),
  };
}

function codeSession(
  session: PythonSession,
  { tool_timeout_s: seconds }: Pick<CodeKeys, 'tool_timeout_s'>,
): CodeSession {
  return {
    run: async (code) => {
      const result = await session.run({ code, showLast: true, timeoutMs: seconds * 1000 });
      const isError = result.status !== 'ok';
      const output = isError ? `${result.stdout}${result.error ?? result.status}` : result.stdout;
      return { output, isError };
    },
    close: () => session.close(),
  };
}
