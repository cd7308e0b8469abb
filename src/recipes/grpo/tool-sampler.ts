/** Completions of GRPO that run code: a sampler in front of the engine's, with the outputs among their tokens. */
import type { GrpoConfig } from '../../config/index.js';
import { type CodeCompletion, writeWithCode } from '../../evaluate/index.js';
import type { Completion, Sampler } from '../../rollout/index.js';
import type { PythonSandbox } from '../../sandbox/index.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { codeExecutor, codeSandbox } from '../evaluation/code-executor.js';
import { writerOf } from '../evaluation/strategy.js';
import { longestPrompt } from '../inputs/prompted-rows.js';
import type { EvaluationWriter } from '../training/evaluate-trained.js';

/** Sandbox of the tools that a config names; null: none. @throws SetupError where it cannot be had */
export async function openTools(
  config: Pick<GrpoConfig, 'tools' | 'sandbox' | 'max_tool_sessions'>,
  log: (line: string) => void,
): Promise<PythonSandbox | null> {
  if (config.tools.length === 0) return null;
  const sandbox = await codeSandbox(config);
  const missing = await sandbox.missing();
  const without = missing.length === 0 ? '' : `, without ${missing.join(', ')}`;
  log(`tools: Python ${sandbox.python}${without}`);
  return sandbox;
}

export interface Tools {
  readonly config: GrpoConfig;
  readonly sandbox: PythonSandbox;
}

/**
 * Completions and outputs together have at most `maxNewTokens` tokens.
 * @param options.context Longest sequence of the sampler.
 */
export function toolSampler(
  sampler: Pick<Sampler, 'generate'>,
  options: Tools & { readonly tokenizer: Tokenizer; readonly context: number },
): Pick<Sampler, 'generate'> {
  const { config, sandbox, tokenizer, context } = options;
  const executor = codeExecutor(sandbox, config);
  return {
    generate: async (requests, params, { signal, onCompletion } = {}) => {
      const writer = writerOf(sampler, { tokenizer, params, context, render: {} });
      const { maxNewTokens } = params;
      const completions = await writeWithCode(
        requests.map(({ id, promptIds, n }) => ({ id, promptIds, n, maxNewTokens })),
        {
          writer,
          executor,
          countsOutput: true,
          maxRounds: config.max_tool_calling_iterations,
          maxOutputLength: config.max_tool_output_length,
          maxSessions: config.max_tool_sessions,
          ...(signal && { signal }),
        },
      );
      const made = completions.map(completionOf);
      for (const completion of made) onCompletion?.(completion);
      return made;
    },
  };
}

/** The same in front of the sampler of an evaluation. */
export const toolEvaluation =
  (tools: Tools): EvaluationWriter =>
  (sampler, { keys, inputs: { prompts, tokenizer } }) => {
    const context = longestPrompt(prompts) + keys.max_new_tokens;
    const { generate } = toolSampler(sampler, { ...tools, tokenizer, context });
    return {
      generate,
      get adapterHash() {
        return sampler.adapterHash;
      },
    };
  };

const completionOf = ({ mask, calls, failures, ...completion }: CodeCompletion): Completion => ({
  ...completion,
  ids: [...completion.ids],
  tools: { mask, calls, failures },
});
