/** What graders need of the outside world: the endpoint of judges and embeddings, and a Python sandbox. */
import type { GraderKeys, JudgeConfig } from '../config/index.js';
import {
  chatCompletion,
  type Endpoint,
  type EndpointStats,
  embeddings,
  endpointSettings,
  openEndpoint,
} from '../endpoint/index.js';
import { type GraderTools, GradeTimeout } from '../rewards/index.js';
import { createPythonSandbox, type PythonSandbox } from '../sandbox/index.js';

export interface OpenTools {
  readonly tools: GraderTools;
  /** Counts of the endpoint; null where none was opened. */
  readonly stats: () => EndpointStats | null;
  readonly close: () => void;
}

/**
 * @param needsPython Whether a sandbox is started.
 * @throws InputError or SetupError as `endpointSettings` and `createPythonSandbox`.
 */
export async function openGraderTools(
  keys: GraderKeys,
  { needsPython, signal }: { readonly needsPython: boolean; readonly signal?: AbortSignal },
): Promise<OpenTools> {
  const endpoint = openJudge(keys.judge, signal ?? null);
  const sandbox = needsPython
    ? await createPythonSandbox({ isolation: keys.sandbox, workers: keys.python_workers })
    : null;
  return {
    tools: {
      ...(endpoint !== null && judgeTools(endpoint, keys.judge)),
      ...(sandbox !== null && pythonTool(sandbox, keys.python_timeout_s)),
    },
    stats: () => endpoint?.stats() ?? null,
    close: () => sandbox?.dispose(),
  };
}

function openJudge(judge: JudgeConfig, signal: AbortSignal | null): Endpoint | null {
  const { env } = process;
  if (judge.base_url === null && !env.OPENAI_BASE_URL) return null;
  const { price_input: input, price_output: output } = judge;
  return openEndpoint(
    endpointSettings({
      baseUrl: judge.base_url,
      apiKeyEnv: judge.api_key_env,
      env,
      cacheDir: judge.cache_dir,
      maxConcurrency: judge.max_concurrency,
      timeoutMs: judge.timeout_s * 1000,
      attempts: judge.attempts,
      prices: input === 0 && output === 0 ? null : { input, output },
      signal,
    }),
  );
}

function judgeTools(endpoint: Endpoint, judge: JudgeConfig): GraderTools {
  const { model, embedding_model: embedder } = judge;
  return {
    complete: async (request) =>
      await chatCompletion(endpoint, { ...request, model: model ?? request.model }),
    ...(embedder !== null && {
      embed: async (input: readonly string[]) =>
        await embeddings(endpoint, { model: embedder, input }),
    }),
  };
}

function pythonTool(sandbox: PythonSandbox, timeoutS: number): GraderTools {
  return {
    runPython: async ({ source, sample, item }) => {
      const { status, error, value } = await sandbox.run({
        code: source,
        call: { name: 'grade', args: [sample, item] },
        timeoutMs: timeoutS * 1000,
      });
      if (status === 'ok') return value;
      if (status === 'timeout') throw new GradeTimeout(`no result within ${timeoutS} s`);
      throw new Error(`${status}: ${error ?? 'no result'}`);
    },
  };
}
