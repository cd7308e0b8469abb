/**
 * Text ↔ ids from a Hugging Face tokenizer folder. Ids are those of Python's tokenizers; decoding never
 * cleans up spaces, so that what is graded is what was sampled. Differences: of a run of byte tokens that is no whole
 * UTF-8 the whole characters are decoded (Python's shows U+FFFD for each of its bytes); of added tokens `single_word`
 * is not minded, and `lstrip` and `rstrip` take U+FEFF and leave U+0085.
 */
import { InputError, messageOf } from '../util/errors.js';
import type { Message } from './messages.js';
import { withReasoning } from './reasoning.js';
import { tokenBytes } from './token-bytes.js';
import { readTokenizerFiles, TOKENIZER_CONFIG, tokenizerFileNames } from './tokenizer-files.js';
import { createTokenizer, type PreTrainedTokenizer } from './vendor.js';

interface EncodeOptions {
  /** Add what the tokenizer puts around a text (BOS, for some). Default true. */
  readonly addSpecialTokens?: boolean;
}

interface DecodeOptions {
  /** Leave special tokens out of the text. Default false. */
  readonly skipSpecialTokens?: boolean;
}

interface ChatTemplateOptions {
  /** End with the tokens after which the assistant writes. Default false. */
  readonly addGenerationPrompt?: boolean;
  /** Further variables of the template, e.g. `enable_thinking`. */
  readonly templateArgs?: Readonly<Record<string, unknown>>;
}

export interface Tokenizer {
  readonly dir: string;
  /** Largest id plus one. */
  readonly vocabSize: number;
  readonly bosId: number | null;
  readonly eosId: number | null;
  readonly padId: number | null;
  /** Every id that ends a generation, `eosId` first. */
  readonly eosIds: readonly number[];
  /** Whether a plain text gets BOS in front. */
  readonly addsBos: boolean;
  /** Jinja text; null where there is none. */
  readonly chatTemplate: string | null;
  /** What it was opened with in place of what its folder says. */
  readonly given: LoadTokenizerOptions;
  /** Names of the files in `dir` that make up the tokenizer. */
  readonly files: readonly string[];
  encode(text: string, options?: EncodeOptions): number[];
  decode(ids: readonly number[], options?: DecodeOptions): string;
  /** Id of a token as the vocabulary spells it; null for none. */
  tokenId(token: string): number | null;
  /**
   * Bytes of each token, by id; null for special tokens.
   * @throws InputError when the tokenizer's decoder is of a kind whose bytes are not known
   */
  tokenBytes(): readonly (Uint8Array | null)[];
  /** @throws InputError when there is no chat template or it refuses the messages. */
  applyChatTemplate(messages: readonly Message[], options?: ChatTemplateOptions): string;
}

export interface LoadTokenizerOptions {
  /** Jinja text in place of the folder's own chat template. */
  readonly chatTemplate?: string;
  /** Token in place of the folder's own `eos_token`; the ids of `generation_config.json` end a text too. */
  readonly eosToken?: string;
}

/** @throws InputError naming the file that is missing or malformed. Nothing is downloaded. */
export async function loadTokenizer(
  dir: string,
  given: LoadTokenizerOptions = {},
): Promise<Tokenizer> {
  const { chatTemplate, eosToken: givenEos } = given;
  const { tokenizerJson, tokenizerConfig, generationEosIds } = readTokenizerFiles(dir);
  const config: Readonly<Record<string, unknown>> = {
    ...tokenizerConfig,
    ...(chatTemplate !== undefined && { chat_template: chatTemplate }),
    ...(givenEos !== undefined && { eos_token: givenEos }),
  };
  let vendor: PreTrainedTokenizer;
  try {
    vendor = await createTokenizer(tokenizerJson, config);
    // What comes after the cutting of a text is read when there is one.
    vendor.encode('a');
  } catch (error) {
    throw new InputError({ where: dir, problem: `not a usable tokenizer: ${messageOf(error)}` });
  }
  const vocabulary = vendor.get_vocab();
  let bytes: ReturnType<Tokenizer['tokenBytes']> | undefined;
  const eosToken = config.eos_token;
  const eosId = idOf(vocabulary, eosToken);
  if (typeof eosToken === 'string' && eosId === null) {
    throw new InputError({
      where: givenEos === undefined ? `${dir}/${TOKENIZER_CONFIG}` : 'eos_token',
      problem: `eos_token "${eosToken}" has no id in the vocabulary`,
    });
  }
  return wrap(vendor, {
    dir,
    vocabSize: 1 + [...vocabulary.values()].reduce((a, b) => Math.max(a, b), -1),
    bosId: idOf(vocabulary, config.bos_token),
    eosId: eosId ?? generationEosIds[0] ?? null,
    padId: idOf(vocabulary, config.pad_token),
    eosIds: [...new Set([...(eosId === null ? [] : [eosId]), ...generationEosIds])],
    chatTemplate: typeof config.chat_template === 'string' ? config.chat_template : null,
    given,
    files: tokenizerFileNames(dir),
    tokenId: (token) => idOf(vocabulary, token),
    tokenBytes() {
      bytes ??= tokenBytes({ tokenizerJson, vocabulary, dir });
      return bytes;
    },
  });
}

function idOf(vocabulary: ReadonlyMap<string, number>, token: unknown): number | null {
  return typeof token === 'string' ? (vocabulary.get(token) ?? null) : null;
}

type Facts = Omit<Tokenizer, 'addsBos' | 'encode' | 'decode' | 'applyChatTemplate'>;

function wrap(vendor: PreTrainedTokenizer, facts: Facts): Tokenizer {
  const encode: Tokenizer['encode'] = (text, { addSpecialTokens = true } = {}) => {
    if (text === '' && !addSpecialTokens) return [];
    const ids = vendor.encode(text, { add_special_tokens: addSpecialTokens });
    const unknown = ids.findIndex((id) => !Number.isInteger(id));
    if (unknown < 0) return ids;
    throw new InputError({
      where: facts.dir,
      problem: `the tokenizer has no id for part ${unknown + 1} of "${text.slice(0, 40)}"`,
    });
  };
  const bare = encode('a', { addSpecialTokens: false })[0];
  const first = encode('a')[0];
  return {
    ...facts,
    addsBos: first !== bare && first === facts.bosId,
    encode,
    decode: (ids, { skipSpecialTokens = false } = {}) =>
      ids.length === 0
        ? ''
        : vendor.decode([...ids], {
            skip_special_tokens: skipSpecialTokens,
            clean_up_tokenization_spaces: false,
          }),
    applyChatTemplate: (messages, options) =>
      applyTemplate(vendor, facts, { messages, ...options }),
  };
}

interface TemplateInput extends ChatTemplateOptions {
  readonly messages: readonly Message[];
}

function applyTemplate(
  vendor: PreTrainedTokenizer,
  { dir, chatTemplate }: Facts,
  { messages, addGenerationPrompt = false, templateArgs }: TemplateInput,
): string {
  if (chatTemplate === null) {
    throw new InputError({
      where: dir,
      problem: 'chat rows with neither chat template nor prompt_template',
      remedy: 'Set prompt_template to a text with {prompt}, or chat_template_path to a template',
    });
  }
  let text: string;
  try {
    text = vendor.apply_chat_template(messages.map(withReasoning), {
      ...templateArgs,
      tokenize: false,
      add_generation_prompt: addGenerationPrompt,
    });
  } catch (error) {
    throw new InputError({
      where: dir,
      problem: `the chat template refuses the messages: ${messageOf(error)}`,
    });
  }
  const given = () => JSON.stringify([messages, templateArgs]);
  if (!OBJECT_AS_TEXT.test(text) || OBJECT_AS_TEXT.test(given())) return text;
  throw new InputError({
    where: dir,
    problem: 'the chat template writes an object where it expects a text',
    remedy: 'Give the arguments of tool_calls as JSON text',
  });
}

/** What JavaScript makes of an object that is joined to a text; Python raises an error there. */
const OBJECT_AS_TEXT = /\[object (?:Map|Object)\]/;
