/**
 * Our own tokenizer for models made from scratch: the 256 bytes, merges learnt from a corpus, special
 * tokens, and added texts of one id each. Written as Hugging Face files that transformers and
 * transformers.js load with the same ids. There is no unknown text.
 */
import { join } from 'node:path';
import { InputError } from '../../util/errors.js';
import { writeJson } from '../../util/files.js';
import { TOKENIZER_CONFIG, TOKENIZER_JSON } from '../tokenizer-files.js';
import { learnMerges, type Merge } from './bpe-trainer.js';
import { BYTE_CHARACTERS } from './byte-alphabet.js';
import { WORD_PATTERN } from './words.js';

/** Special tokens, in order of their ids. A text gets BOS in front. */
const BOS = '<|bos|>';
const EOS = '<|eos|>';
const PAD = '<|pad|>';
const ROLES = ['<|system|>', '<|user|>', '<|assistant|>'];

/** One token opens each turn; EOS ends the assistant's. */
const CHAT_TEMPLATE =
  "{{ bos_token }}{% for message in messages %}{{ '<|' + message.role + '|>' + message.content }}" +
  "{% if message.role == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

export interface ByteTokenizerOptions {
  /** Texts that merges are learnt from; without them every byte is a token. */
  readonly corpus?: Iterable<string>;
  /** Upper bound of the number of ids. Default 512. */
  readonly vocabSize?: number;
  /** Texts that become one id each and stay in decoded text, e.g. answer tags. */
  readonly addedTokens?: readonly string[];
  /** Jinja chat template; absent for the built-in one, null for none. */
  readonly chatTemplate?: string | null | undefined;
}

const DEFAULT_VOCAB_SIZE = 512;

/**
 * Writes `tokenizer.json` and `tokenizer_config.json` into `dir`.
 * @returns the number of ids, at most `vocabSize`.
 * @throws InputError when `vocabSize` has no room for the bytes and the special and added tokens.
 */
export function writeByteTokenizer(
  dir: string,
  {
    corpus = [],
    vocabSize = DEFAULT_VOCAB_SIZE,
    addedTokens = [],
    chatTemplate = CHAT_TEMPLATE,
  }: ByteTokenizerOptions = {},
): { vocabSize: number } {
  const specials = [BOS, EOS, PAD, ...ROLES];
  checkAdded(addedTokens, specials);
  const fixed = BYTE_CHARACTERS.length + specials.length + addedTokens.length;
  if (vocabSize < fixed) {
    throw new InputError({
      where: 'vocab_size',
      problem: `${vocabSize} is too small for 256 bytes, ${specials.length} special and ${addedTokens.length} added tokens`,
      remedy: `Set it to at least ${fixed}`,
    });
  }
  const merges = learnMerges(corpus, vocabSize - fixed);
  writeJson(join(dir, TOKENIZER_JSON), tokenizerJson({ merges, specials, addedTokens }));
  writeJson(join(dir, TOKENIZER_CONFIG), tokenizerConfig(chatTemplate));
  return { vocabSize: fixed + merges.length };
}

function checkAdded(addedTokens: readonly string[], specials: readonly string[]): void {
  const all = [...specials, ...addedTokens];
  const bad = addedTokens.find(
    (token) => token.trim() === '' || all.indexOf(token) !== all.lastIndexOf(token),
  );
  if (bad === undefined) return;
  throw new InputError({ where: 'added_tokens', problem: `"${bad}" is blank or stands twice` });
}

interface Vocabulary {
  readonly merges: readonly Merge[];
  readonly specials: readonly string[];
  readonly addedTokens: readonly string[];
}

function tokenizerJson({ merges, specials, addedTokens }: Vocabulary): object {
  const symbols = [...BYTE_CHARACTERS, ...merges.map((merge) => merge.join(''))];
  const added = [...specials, ...addedTokens].map((content, i) => ({
    id: symbols.length + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: i < specials.length,
  }));
  const bos = symbols.length;
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: WORD_PATTERN }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: bosInFront(bos),
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(symbols.map((symbol, id) => [symbol, id])),
      merges,
    },
  };
}

function bosInFront(bos: number): object {
  const start = { SpecialToken: { id: BOS, type_id: 0 } };
  const sequence = (id: string) => ({ Sequence: { id, type_id: 0 } });
  return {
    type: 'TemplateProcessing',
    single: [start, sequence('A')],
    pair: [start, sequence('A'), sequence('B')],
    special_tokens: { [BOS]: { id: BOS, ids: [bos], tokens: [BOS] } },
  };
}

function tokenizerConfig(chatTemplate: string | null): object {
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    bos_token: BOS,
    eos_token: EOS,
    pad_token: PAD,
    clean_up_tokenization_spaces: false,
    ...(chatTemplate === null ? {} : { chat_template: chatTemplate }),
  };
}
