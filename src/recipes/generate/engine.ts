/**
 * What `generate` samples by: the rollout engine, the trainer's own forward pass, or a server. A server that
 * renders chats itself needs no local model; for all others the prompts are token ids of the local tokenizer.
 */
import type { GenerateConfig } from '../../config/index.js';
import type { Sampler, SamplingParams } from '../../rollout/index.js';
import { variableColumns } from '../../tokenizer/index.js';
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { fieldNames } from '../../util/shown.js';
import { adapterHash } from '../../weights/index.js';
import type { RecipeContext } from '../context.js';
import { samplerFingerprint } from '../inputs/base-fingerprint.js';
import { type ModelSource, openModel } from '../inputs/model-source.js';
import { asChat, type PromptInput } from '../inputs/prompt-input.js';
import { promptRow } from '../inputs/prompt-row.js';
import { type PromptedRow, promptRows } from '../inputs/prompted-rows.js';
import { renderOptions } from '../inputs/render-options.js';
import { sayUnreadOfPrompts } from '../inputs/unread-fields.js';
import { decodingParams } from '../sampling/decoding.js';
import { openKeyedSampler } from '../sampling/keyed-sampler.js';
import { openPolicySampler } from '../sampling/policy-sampler.js';
import { openServerSampler } from '../sampling/server-sampler.js';
import { configureDevice } from '../training/configure-device.js';

export interface GenerateEngine {
  /** Version that every completion must carry. */
  readonly adapter: string | null;
  /** `samplerFingerprint`; null where a server has its own. */
  readonly base: string | null;
  readonly params: SamplingParams;
  prompts(input: PromptInput): PromptedRow[];
  /** @param longest tokens of the longest prompt */
  open(longest: number): Promise<Sampler>;
  close(): void;
}

export async function openEngine(
  config: GenerateConfig,
  context: RecipeContext,
): Promise<GenerateEngine> {
  const { engine, server } = config;
  if (engine === 'server' && server.api !== 'completions') return chatEngine(config, context);
  const source = await openModel(config, context);
  try {
    return localEngine(config, { source, context });
  } catch (error) {
    source.close();
    throw error;
  }
}

function localEngine(
  config: GenerateConfig,
  { source, context }: { readonly source: ModelSource; readonly context: RecipeContext },
): GenerateEngine {
  const isServer = config.engine === 'server';
  const { tokenizer, spec, adapter } = source;
  return {
    adapter: adapterHash(adapter),
    base: isServer ? null : samplerFingerprint(source),
    params: decodingParams(isServer ? { ...config, response_format: null } : config, tokenizer),
    prompts: ({ rows, where }) => {
      const { prompt_template: promptTemplate } = config;
      sayUnreadOfPrompts(rows, { tokenizer, promptTemplate, where, log: context.log });
      return promptRows(tokenizer, config.chat ? rows.map(asChat) : rows, {
        render: (index) => renderOptions(config, where(index)),
        context: spec.maxPositions,
        completion: config.max_new_tokens,
        overlong: config.overlong_prompts,
      });
    },
    open: (longest) => (isServer ? onServer() : locally(longest)),
    close: () => source.close(),
  };

  async function onServer(): Promise<Sampler> {
    const sampler = serverSampler(config, context);
    await sampler.setAdapter(adapter);
    return sampler;
  }

  async function locally(longest: number): Promise<Sampler> {
    if (config.engine === 'tensorflow') {
      configureDevice(config);
      const maxContext = longest + config.max_new_tokens;
      return openPolicySampler(source, { maxContext, maxBatch: config.batch_size });
    }
    const sizes = { maxPromptLength: longest, maxNewTokens: config.max_new_tokens };
    return await openKeyedSampler(source, config, { log: context.log, ...sizes });
  }
}

function serverSampler(config: GenerateConfig, { signal }: RecipeContext) {
  const { server, model, response_format: responseFormat } = config;
  return openServerSampler({ server, model, responseFormat, signal });
}

/** Messages go to the server as they are. */
function chatEngine(config: GenerateConfig, context: RecipeContext): GenerateEngine {
  const own = [
    'model_revision',
    'adapter',
    'prompt_template',
    'chat_template_path',
    'eos_token',
  ] as const;
  for (const key of own) if (config[key] !== null) throw leftToServer(key, config);
  if (Object.keys(config.chat_template_kwargs).length > 0) {
    throw leftToServer('chat_template_kwargs', config);
  }
  const params = decodingParams({ ...config, response_format: null }, null);
  const sampler = serverSampler(config, context);
  return {
    adapter: null,
    base: null,
    params,
    prompts: ({ rows, where }) =>
      rows.map((row, index) => ({
        id: String(index),
        row,
        promptIds: [],
        messages: messagesOf(row, config, where(index)),
      })),
    open: async () => sampler,
    close: () => sampler.dispose(),
  };
}

function leftToServer(where: string, { server }: GenerateConfig): InputError {
  const isKwargs = where === 'chat_template_kwargs';
  return new InputError({
    where,
    problem: `server.api=${server.api} leaves it to the server`,
    remedy: isKwargs
      ? 'Give it in server.extra_body, where the server takes it, or use server.api=completions'
      : 'Leave it out, or use server.api=completions',
  });
}

type Messages = NonNullable<PromptedRow['messages']>;

function messagesOf(row: JsonRow, config: GenerateConfig, where: string): Messages {
  const [column] = Object.keys(variableColumns(row));
  if (column !== undefined) throw leftToServer(`${where}: ${column}`, config);
  const chat = asChat(promptRow(row) as JsonRow);
  const messages = (chat.messages ?? chat.prompt) as Messages | undefined;
  const isChat =
    Array.isArray(messages) &&
    messages.length > 0 &&
    messages.every(({ role, content }) => typeof role === 'string' && typeof content === 'string');
  if (!isChat) {
    throw new InputError({
      where,
      problem: `needs messages with role and content, or a prompt, found ${fieldNames(row)}`,
    });
  }
  if (messages.at(-1)?.content === '')
    throw new InputError({ where, problem: 'the prompt is empty' });
  const { system_prompt: system } = config;
  if (system === null || messages[0]?.role === 'system') return messages;
  return [{ role: 'system', content: system }, ...messages];
}
