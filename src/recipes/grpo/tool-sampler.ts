/** Completions of GRPO that run code: a sampler in front of the engine's, with the outputs among their tokens. */
import type { GrpoConfig } from '../../config/index.js';
import { type CodeCompletion, type CodeExecutor, writeWithCode } from '../../evaluate/index.js';
import type { Completion, Sampler } from '../../rollout/index.js';
import type { PythonSandbox } from '../../sandbox/index.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { codeExecutor, codeSandbox } from '../eval/code-executor.js';
import { writerOf } from '../eval/strategy.js';

/** Sessions of Python at the same time; one takes about 50 MB with sympy. */
const MAX_SESSIONS = 64;

/** Sandbox of the tools that a config names; null: none. @throws SetupError where it cannot be had */
export async function openTools(
  config: Pick<GrpoConfig, 'tools' | 'sandbox'>,
  log: (line: string) => void,
): Promise<PythonSandbox | null> {
  if (config.tools.length === 0) return null;
  const sandbox = await codeSandbox(config, MAX_SESSIONS);
  const missing = await sandbox.missing();
  const without = missing.length === 0 ? '' : `, without ${missing.join(', ')}`;
  log(`tools: Python ${sandbox.python}${without}`);
  return sandbox;
}

export const toolExecutor = (sandbox: PythonSandbox, config: GrpoConfig): CodeExecutor =>
  codeExecutor(sandbox, config, MAX_SESSIONS);

/**
 * Completions and outputs together have at most `maxNewTokens` tokens.
 * @param options.context Longest sequence of the sampler.
 */
export function toolSampler(
  sampler: Pick<Sampler, 'generate'>,
  options: {
    readonly config: GrpoConfig;
    readonly executor: CodeExecutor;
    readonly tokenizer: Tokenizer;
    readonly context: number;
  },
): Pick<Sampler, 'generate'> {
  const { config, executor, tokenizer, context } = options;
  return {
    generate: async (requests, params, { signal, onCompletion } = {}) => {
      const writer = writerOf(sampler, { tokenizer, params, context, render: {} });
      const { maxNewTokens } = params;
      const completions = await writeWithCode(
        requests.map(({ id, promptIds, n }) => ({ id, promptIds, n, maxNewTokens })),
        {
          ...{ writer, executor, countsOutput: true },
          maxRounds: config.max_tool_calling_iterations,
          maxOutputLength: config.max_tool_output_length,
          ...(signal && { signal }),
        },
      );
      const made = completions.map(completionOf);
      for (const completion of made) onCompletion?.(completion);
      return made;
    },
  };
}

const completionOf = ({ mask, calls, failures, ...completion }: CodeCompletion): Completion => ({
  ...completion,
  ids: [...completion.ids],
  tools: { mask, calls, failures },
});
