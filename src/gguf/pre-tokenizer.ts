/**
 * `tokenizer.ggml.pre`: by which of its own splits llama.cpp cuts text before merges apply. llama.cpp's
 * converter tells it by a hash of the ids of one text, which changes with every vocabulary; here the split
 * itself is looked up, so that a vocabulary of one's own is known by how it cuts. Names and their splits are
 * those of `llm_tokenizer_bpe` in github.com/ggml-org/llama.cpp (src/llama-vocab.cpp).
 */
import { WORD_PATTERN } from '../tokenizer/index.js';
import { InputError } from '../util/errors.js';
import { asObjects, type JsonObject } from '../util/json-object.js';
import { noCounterpart } from './no-counterpart.js';

/** Names that llama.cpp takes for byte-pair vocabularies. */
const KNOWN = new Set(
  `a.x-4.0 afmoe bailingmoe bailingmoe2 bloom chameleon chatglm-bpe codeshell cohere2moe command-r dbrx
  deepseek-coder deepseek-llm deepseek-r1-qwen deepseek-v3 default exaone exaone-moe exaone4 f2llmv2 falcon
  falcon-h1 falcon3 gemma4 gigachat glm4 gpt-2 gpt-4o gpt3-finnish granite-docling grok-2 hunyuan
  hunyuan-dense jais jais-2 jina-de jina-es jina-v1-en jina-v2-code jina-v2-de jina-v2-es jina-v5-nano
  joyai-llm kanana2 kimi-k2 kormo laguna lfm2 llada-moe llama-bpe llama-v3 llama3 llama4 megrez mellum mellum2
  midm-2.0 minerva-7b minicpm5 minimax-m2 modern-bert mpt olmo phi-2 pixtral poro-chat qwen2 qwen35 refact
  roberta-bpe seed-coder smaug-bpe smollm solar-open stablelm2 starcoder superbpe talkie tekken tiny_aya
  trillion viking youtu`.split(/\s+/),
);

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const ENDING = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const UPPER = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
const LOWER = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';
const OTHER = '[^\\r\\n\\p{L}\\p{N}]?';
const MARKS = ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*';
const MARKS_OR_SLASH = ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*';
const cased = (after: string): string =>
  `${OTHER}${UPPER}*${LOWER}+${after}|${OTHER}${UPPER}+${LOWER}*${after}`;

/** Split as `tokenizer.json` spells it → name; `+` stands before what comes after it. */
const BY_SPLIT: Readonly<Record<string, string>> = {
  bytes: 'gpt-2',
  'digits+bytes': 'smollm',
  [WORD_PATTERN]: 'smollm',
  [`${CONTRACTIONS}|${OTHER}\\p{L}+|\\p{N}{1,3}|${MARKS}|${ENDING}`]: 'dbrx',
  [`${CONTRACTIONS}|${OTHER}\\p{L}+|\\p{N}|${MARKS}|${ENDING}`]: 'qwen2',
  [`${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${ENDING}`]:
    'qwen35',
  [`${cased('')}|\\p{N}|${MARKS_OR_SLASH}|${ENDING}`]: 'tekken',
  [`${cased(`${CONTRACTIONS}?`)}|\\p{N}{1,3}|${MARKS_OR_SLASH}|${ENDING}`]: 'gpt-4o',
};

/** Names whose vocabulary has its own words as single tokens before any merge, where the plain one has none. */
const WHOLE_WORDS: Readonly<Record<string, string>> = { dbrx: 'llama-bpe', tekken: 'tekken' };

export interface PreTokenizer {
  readonly name: string;
  /** What llama.cpp does otherwise than the tokenizer. */
  readonly notices: readonly string[];
}

interface Question {
  /** `tokenizer.json` */
  readonly json: JsonObject;
  readonly dir: string;
  /** The key `pre_tokenizer`. */
  readonly given: string | null;
}

/** @throws InputError when the split is none of llama.cpp's, or a given name is none. */
export function preTokenizer({ json, dir, given }: Question): PreTokenizer {
  const notices = normalization(json, dir);
  if (given !== null) return { name: checkedName(given), notices };
  const split = splitOf(json.pre_tokenizer as JsonObject | null);
  const found = split === null ? undefined : BY_SPLIT[split];
  const isWhole = (json.model as JsonObject).ignore_merges === true;
  const name = found !== undefined && isWhole ? WHOLE_WORDS[found] : found;
  if (name === undefined) throw unknown(dir, json, isWhole);
  const blanks = split === WORD_PATTERN ? blankTokens(json) : 0;
  return { name, notices: blanks === 0 ? notices : [...notices, aboutBlanks(blanks)] };
}

const aboutBlanks = (tokens: number): string =>
  `llama.cpp keeps white space before a digit together: with ${tokens} tokens of white space alone, such places may get other ids`;

function normalization(json: JsonObject, dir: string): string[] {
  const normalizer = json.normalizer as JsonObject | null | undefined;
  const type = normalizer?.type;
  if (type === undefined) return [];
  if (type === 'NFC') {
    return [
      'llama.cpp does not compose characters (NFC) as the tokenizer does: decomposed text gets other ids',
    ];
  }
  throw noCounterpart(dir, normalizer, 'the normalizer ');
}

function checkedName(given: string): string {
  if (KNOWN.has(given)) return given;
  throw new InputError({
    where: 'pre_tokenizer',
    problem: `llama.cpp has none of the name "${given}"`,
    remedy: `It has ${[...KNOWN].join(', ')}`,
  });
}

function unknown(dir: string, json: JsonObject, isWhole: boolean): InputError {
  const found = JSON.stringify(json.pre_tokenizer).slice(0, 300);
  return new InputError({
    where: `${dir}/tokenizer.json`,
    problem: `pre_tokenizer ${found}${isWhole ? ' with ignore_merges' : ''} is none that Lorikeet knows by its name in llama.cpp`,
    remedy: 'Name the one that cuts text the same way as pre_tokenizer=…, e.g. gpt-2 or llama-bpe',
  });
}

/** How words are cut, in the words of `BY_SPLIT`; null for what has none. */
function splitOf(pre: JsonObject | null): string | null {
  const parts = pre?.type === 'Sequence' ? asObjects(pre.pretokenizers) : pre === null ? [] : [pre];
  const words = parts.map(({ type, use_regex: regex = true, ...part }) => {
    if (type === 'ByteLevel') return part.add_prefix_space === true ? '?' : regex ? 'bytes' : '';
    if (type === 'Digits') return part.individual_digits === true ? 'digits' : '?';
    if (type === 'Split') return patternOf(part);
    return '?';
  });
  const cuts = words.filter((word) => word !== '');
  return cuts.includes('?') ? null : cuts.join('+');
}

/** Matches kept as words, or everything that is no gap between matches: the same for patterns that match all. */
function patternOf({ pattern, behavior, invert }: JsonObject): string {
  const isWords =
    (behavior === 'Isolated' && invert !== true) || (behavior === 'Removed' && invert === true);
  const regex = (pattern as JsonObject | undefined)?.Regex;
  return isWords && typeof regex === 'string' ? regex : '?';
}

/** Tokens of two or more characters of white space, as the byte alphabet writes it. */
function blankTokens(json: JsonObject): number {
  const vocabulary = Object.keys((json.model as JsonObject).vocab as JsonObject);
  return vocabulary.filter((token) => /^[ĠĉĊč]{2,}$/.test(token)).length;
}
