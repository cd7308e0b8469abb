/**
 * `lorikeet chat`: a conversation with a model, its tokens shown as they come. With an adapter, `/base` shows
 * what the base would have said, from the same random stream.
 */
import type { ChatConfig } from '../config/index.js';
import { counted } from '../util/counted.js';
import { LorikeetError } from '../util/errors.js';
import { type CommandTools, help, runLine } from './chat/commands.js';
import { Conversation } from './chat/conversation.js';
import { type ChatStreams, Terminal } from './chat/terminal.js';
import type { RecipeContext } from './context.js';
import { renderOptions } from './inputs/render-options.js';
import { checkSampling } from './sampling/check-rollouts.js';
import { filterParams, samplingParams } from './sampling/sampling-params.js';
import { openServedModels, type ServedModels } from './sampling/served-models.js';

/** Reads lines until the input ends, `/exit`, Ctrl-C twice, or the context's signal. */
export async function runChat(
  config: ChatConfig,
  context: RecipeContext,
  streams: ChatStreams = processStreams(),
): Promise<void> {
  checkSampling(config);
  const adapters = config.adapter === null ? [] : [config.adapter];
  const served = await openServedModels({ ...config, batch_size: 1 }, adapters, context);
  try {
    const conversation = newConversation(config, served);
    greet(config, conversation, { context, streams });
    await converse(conversation, { config, context, streams });
  } finally {
    served.close();
  }
}

const processStreams = (): ChatStreams => ({
  input: process.stdin,
  output: process.stdout,
  isInteractive: process.stdin.isTTY === true && process.stdout.isTTY === true,
});

/** @throws InputError where the model has no chat template, and the config gives none */
function newConversation(config: ChatConfig, served: ServedModels): Conversation {
  const { tokenizer } = served.models[0].source;
  if (config.prompt_template === null) {
    const messages = [{ role: 'user', content: 'Hello' }];
    const templateArgs = config.chat_template_kwargs;
    tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true, templateArgs });
  }
  const params = { ...samplingParams(config, config.max_new_tokens), ...filterParams(config) };
  return new Conversation({ served, params, render: renderOptions(config, 'conversation') });
}

interface ChatWorld {
  readonly context: RecipeContext;
  readonly streams: ChatStreams;
}

function greet(
  { prompt_template: template }: ChatConfig,
  { model }: Conversation,
  { context, streams }: ChatWorld,
): void {
  const base = model.adapter === null ? '' : ` on ${model.source.baseName}`;
  context.log(`chat with ${model.name}${base}`);
  if (template !== null) context.log('prompt_template writes one exchange: no turn knows another');
  if (streams.isInteractive) for (const line of help()) context.log(line);
}

async function converse(
  conversation: Conversation,
  { config, context, streams }: ChatWorld & { readonly config: ChatConfig },
): Promise<void> {
  let leavesNext = false;
  let answering: AbortController | null = null;
  const leave = () => {
    answering?.abort();
    terminal.close();
  };
  const terminal = new Terminal(streams, () => {
    if (answering !== null) {
      if (answering.signal.aborted) leave();
      else answering.abort();
    } else if (terminal.discard()) {
      leavesNext = false;
    } else if (leavesNext) {
      leave();
    } else {
      leavesNext = true;
      context.log('\n(Ctrl-C once more leaves)');
      terminal.prompt();
    }
  });
  const answer: CommandTools['answer'] = async (make) => {
    const stop = new AbortController();
    answering = stop;
    try {
      const sink = { signal: stop.signal, onText: (text: string) => terminal.write(text) };
      const { ids } = await terminal.writing(() => make(sink));
      terminal.write('\n');
      if (stop.signal.aborted) context.log('(stopped)');
      else if (!conversation.isWhole) context.log(cutOff(ids.length, config));
    } finally {
      answering = null;
    }
  };
  context.stopsInOrder?.();
  context.signal.addEventListener('abort', leave, { once: true });
  if (context.signal.aborted) leave();
  try {
    for await (const line of terminal.lines()) {
      leavesNext = false;
      if (!(await goesOn(line, { conversation, answer, note: context.log }))) break;
    }
  } finally {
    context.signal.removeEventListener('abort', leave);
    terminal.close();
  }
}

function cutOff(tokens: number, { max_new_tokens: most }: ChatConfig): string {
  const why = tokens === most ? 'max_new_tokens' : 'the context ends (max_model_len, or the model)';
  return `(cut off after ${counted(tokens, 'token')}: ${why})`;
}

/** A mistake in a line is said, and the chat goes on. */
async function goesOn(line: string, tools: CommandTools): Promise<boolean> {
  try {
    return await runLine(line, tools);
  } catch (error) {
    if (!(error instanceof LorikeetError)) throw error;
    tools.note(`error: ${error.message}`);
    return true;
  }
}
