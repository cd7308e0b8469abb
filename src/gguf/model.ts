/** What a GGUF file of a model holds: metadata, tensors, and what is to be said about them. */
import { attentionLayers, type DecoderSpec, type Weighted } from '../model/spec.js';
import { readTokenizerFiles, type Tokenizer } from '../tokenizer/index.js';
import { counted } from '../util/counted.js';
import type { JsonObject } from '../util/json-object.js';
import { type Architecture, architectureOf } from './architectures.js';
import { displayName } from './display-name.js';
import { hyperparameters } from './hyperparameters.js';
import { preTokenizer } from './pre-tokenizer.js';
import { specialTokens } from './special-tokens.js';
import { type GgufTensor, ggufTensors } from './tensors.js';
import { ENCODINGS, type GgufDtype } from './types.js';
import { count, type Metadata, text } from './values.js';
import { prefixed, vocabularyOf } from './vocabulary.js';

export interface GgufModel {
  readonly metadata: Metadata;
  readonly tensors: readonly GgufTensor[];
  /** What the file does otherwise than the model, and what was filled up. */
  readonly notices: readonly string[];
}

export interface GgufQuestion extends Weighted {
  readonly tokenizer: Tokenizer;
  /** Hub id or folder; its last part becomes `general.name`. */
  readonly name: string;
  readonly dtype: GgufDtype;
  /** `bos_token_id` of `config.json`. */
  readonly configBosId: number | null;
  /** llama.cpp's name of how text is cut, where it is given. */
  readonly preTokenizer: string | null;
}

/** @throws InputError when llama.cpp has no architecture or no tokenizer for the model. */
export function ggufModel(question: GgufQuestion): GgufModel {
  const { spec, weights, name, tokenizer, dtype } = question;
  const architecture = architectureOf(spec);
  const json: JsonObject = readTokenizerFiles(tokenizer.dir).tokenizerJson;
  const tokens = tokenizerMetadata(question, json);
  const tensors = ggufTensors({ spec, weights, architecture, dtype });
  return {
    metadata: {
      'general.architecture': text(architecture.name),
      'general.type': text('model'),
      'general.name': text(displayName(name, json)),
      'general.file_type': count(ENCODINGS[dtype].fileType),
      'general.quantization_version': count(QUANTIZATION_VERSION),
      ...hyperparameters(spec, architecture),
      ...tokens.metadata,
    },
    tensors,
    notices: [...tokens.notices, ...tensorNotices(spec, architecture, { tensors, dtype })],
  };
}

/** Of the block formats; `GGML_QNT_VERSION`. */
const QUANTIZATION_VERSION = 2;

function tokenizerMetadata(question: GgufQuestion, json: JsonObject): Omit<GgufModel, 'tensors'> {
  const { spec, tokenizer, configBosId, preTokenizer: given } = question;
  const { dir } = tokenizer;
  const vocabulary = vocabularyOf({ json, dir, size: spec.vocabSize });
  const { kind, padding } = vocabulary;
  const pre =
    kind === 'gpt2' ? preTokenizer({ json, dir, given }) : { name: 'default', notices: [] };
  return {
    metadata: {
      ...vocabulary.metadata,
      ...prefixed({ pre: text(pre.name) }),
      ...specialTokens({ tokenizer, json, kind, configBosId }),
    },
    notices: [
      ...pre.notices,
      ...(padding > 0
        ? [`${counted(padding, 'row')} of the embedding without a token: named [PAD…]`]
        : []),
    ],
  };
}

interface Written {
  readonly tensors: readonly GgufTensor[];
  readonly dtype: GgufDtype;
}

function tensorNotices(
  spec: DecoderSpec,
  { name, slides }: Architecture,
  { tensors, dtype }: Written,
): string[] {
  const windows = attentionLayers(spec).flatMap(({ window }) => window ?? []);
  const others = tensors.filter(({ dtype: own }) => own === 'float16' && own !== dtype);
  const isNarrow = !slides && windows.some((window) => window < spec.maxPositions);
  return [
    ...(isNarrow
      ? [
          `llama.cpp has no sliding window for ${name}: beyond ${windows[0]} tokens it attends to all`,
        ]
      : []),
    ...(others.length > 0
      ? [`${others.length} matrices are float16: their rows do not divide into blocks of ${dtype}`]
      : []),
  ];
}
