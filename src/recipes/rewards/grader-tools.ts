/** What graders need of the outside world: a judge, embeddings, and a Python sandbox. */
import { type GraderKeys, type JudgeConfig, USUAL_JUDGE } from '../../config/index.js';
import {
  chatCompletion,
  type Endpoint,
  type EndpointStats,
  embeddings,
  endpointSettings,
  openEndpoint,
  totalStats,
} from '../../endpoint/index.js';
import {
  type GraderSpec,
  type GraderTools,
  GradeTimeout,
  graderTypes,
} from '../../rewards/index.js';
import { createPythonSandbox, type PythonSandbox } from '../../sandbox/index.js';
import type { RecipeContext } from '../context.js';
import { openModelEndpoint } from '../judge/model-endpoint.js';

export interface OpenTools {
  readonly tools: GraderTools;
  /** Counts of the judge and of embeddings together; null where none was opened. */
  readonly stats: () => EndpointStats | null;
  readonly close: () => Promise<void>;
}

interface ToolNeeds {
  /** What the tools are for: only what these need is started. */
  readonly specs: readonly GraderSpec[];
  readonly context: RecipeContext;
  /** CPU threads of a model that judges here; null takes all cores. */
  readonly threads?: number | null;
}

/** @throws InputError or SetupError as `endpointSettings`, `openModelEndpoint` and `createPythonSandbox`. */
export async function openGraderTools(keys: GraderKeys, needs: ToolNeeds): Promise<OpenTools> {
  const { specs, context, threads = null } = needs;
  const types = new Set(specs.flatMap((spec) => [...graderTypes(spec)]));
  const { judge } = keys;
  const isJudged = types.has('score_model') || types.has('label_model');
  const model = isJudged ? judge.model_path : null;
  const isAsked = (isJudged && model === null) || types.has('text_similarity');
  const server = isAsked ? openServer(judge, context.signal) : null;
  if (model !== null && server === null) sayUnused(judge, context);
  const local = model === null ? null : await openModelEndpoint(judge, { model, context, threads });
  const asked = local?.endpoint ?? server;
  try {
    const sandbox = types.has('python')
      ? await createPythonSandbox({ isolation: keys.sandbox, workers: keys.python_workers })
      : null;
    return {
      tools: {
        ...(asked !== null && completeTool(asked, judge)),
        ...(server !== null && embedTool(server, judge)),
        ...(sandbox !== null && pythonTool(sandbox, keys.python_timeout_s)),
      },
      stats: () => totalStats([local?.endpoint, server].flatMap((one) => one?.stats() ?? [])),
      close: async () => {
        await sandbox?.dispose();
        local?.close();
      },
    };
  } catch (error) {
    local?.close();
    throw error;
  }
}

/** Keys of a server, at values other than their default, which a model that judges here has no use for. */
function sayUnused(judge: JudgeConfig, { log }: RecipeContext): void {
  const given = SERVER_KEYS.filter((key) => judge[key] !== USUAL_JUDGE[key]);
  if (given.length === 0) return;
  const names = given.map((key) => `judge.${key}`).join(', ');
  log(`warning: ${names}: of no effect, as judge.model_path judges here and no server is asked`);
}

const SERVER_KEYS = ['timeout_s', 'max_attempts', 'price_input', 'price_output'] as const;

function openServer(judge: JudgeConfig, signal: AbortSignal): Endpoint | null {
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
      attempts: judge.max_attempts,
      prices: input === 0 && output === 0 ? null : { input, output },
      signal,
    }),
  );
}

function completeTool(endpoint: Endpoint, { model }: JudgeConfig): GraderTools {
  return {
    complete: async (request) => {
      const { finishReason, ...reply } = await chatCompletion(endpoint, {
        ...request,
        model: model ?? request.model,
      });
      return { ...reply, isCut: finishReason === 'length' };
    },
  };
}

function embedTool(endpoint: Endpoint, { embedding_model: model }: JudgeConfig): GraderTools {
  if (model === null) return {};
  return { embed: async (input) => await embeddings(endpoint, { model, input }) };
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
