/**
 * A conversation: what was said, and who answers. Each answer has a random stream named by its turn and its
 * try, so that base and adapter answer the same turn from the same stream. Of the prompt only what no turn before
 * brought is computed (`prefix_cache_mib`).
 */
import { type Completion, type SamplingParams, TextStream } from '../../rollout/index.js';
import { type Message, type RenderOptions, renderPrompt } from '../../tokenizer/index.js';
import { counted } from '../../util/counted.js';
import { InputError } from '../../util/errors.js';
import type { ServedModel, ServedModels } from '../sampling/served-models.js';

export interface ConversationOptions {
  readonly served: ServedModels;
  readonly params: SamplingParams;
  readonly render: RenderOptions;
}

export interface AnswerSink {
  /** Ends the answer early; what was written stays. */
  readonly signal: AbortSignal;
  readonly onText: (text: string) => void;
}

export class Conversation {
  system: string | undefined;
  private readonly options: ConversationOptions;
  private current: ServedModel;
  /** Of user and assistant, in turn. */
  private turns: Message[] = [];
  /** Users' messages so far, and tries at an answer to the last one. */
  private turn = 0;
  private attempt = 0;
  private lastFinish: Completion['finishReason'] | null = null;

  constructor(options: ConversationOptions) {
    this.options = options;
    this.system = options.render.systemPrompt;
    this.current = options.served.models[0];
  }

  get model(): ServedModel {
    return this.current;
  }

  get hasAnswer(): boolean {
    return this.turns.at(-1)?.role === 'assistant';
  }

  /** Whether the last answer came to its own end. */
  get isWhole(): boolean {
    return this.lastFinish === 'stop';
  }

  /** As a row to train on. */
  get messages(): readonly Message[] {
    const system = this.system === undefined ? [] : [{ role: 'system', content: this.system }];
    return [...system, ...this.turns];
  }

  clear(): void {
    this.turns = [];
  }

  /** @throws InputError when the prompt cannot be written or leaves no room; nothing was said then */
  async say(text: string, sink: AnswerSink): Promise<Completion> {
    // A prompt template writes one exchange.
    const before = this.options.render.promptTemplate === undefined ? this.turns : [];
    const turns = [...before, { role: 'user', content: text }];
    this.turn++;
    this.attempt = 0;
    return await this.answer(turns, sink);
  }

  /** Answers the last message again, from a new random stream or the same one. */
  async again(stream: 'new' | 'same', sink: AnswerSink): Promise<Completion> {
    if (!this.hasAnswer) {
      throw new InputError({ problem: 'there is no answer yet', remedy: 'Say something first' });
    }
    if (stream === 'new') this.attempt++;
    return await this.answer(this.turns.slice(0, -1), sink);
  }

  /** From the adapter to the base, and back. @throws InputError where there is one of them only */
  toggle(): ServedModel {
    const { models } = this.options.served;
    const other = models.find((model) => model !== this.current);
    if (other !== undefined) {
      this.current = other;
      return other;
    }
    throw new InputError(
      models[0].adapter === null
        ? { where: '/base', problem: 'there is no adapter to take off' }
        : {
            where: '/base',
            problem: 'the adapter changes base weights (DoRA, modules_to_save or bias)',
            remedy: `Chat with the base by itself: model=${models[0].source.baseName}`,
          },
    );
  }

  private async answer(turns: readonly Message[], sink: AnswerSink): Promise<Completion> {
    const { served, params } = this.options;
    const promptIds = this.promptOf(turns);
    const text = new TextStream(this.current.source.tokenizer, params.stopStrings, params.stopIds);
    await served.use(this.current);
    const request = { id: `${this.turn}/${this.attempt}`, promptIds, n: 1 };
    const [completion] = await served.sampler.generate([request], params, {
      signal: sink.signal,
      onToken: ({ id }) => sink.onText(text.push(id)),
    });
    const { text: content, finishReason } = completion!;
    sink.onText(text.end(content));
    this.turns = [...turns, { role: 'assistant', content }];
    this.lastFinish = finishReason;
    return completion!;
  }

  private promptOf(turns: readonly Message[]): readonly number[] {
    const { render, served } = this.options;
    const { tokenizer } = this.current.source;
    const options = { ...render, systemPrompt: this.system };
    const ids = renderPrompt(tokenizer, { messages: turns }, options);
    if (ids.length < served.maxContext) return ids;
    throw new InputError({
      where: 'conversation',
      problem: `it has ${counted(ids.length, 'token')}, the context holds ${served.maxContext}`,
      remedy: '/clear begins anew; max_model_len sets the context',
    });
  }
}
