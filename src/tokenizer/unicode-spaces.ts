/**
 * U+FEFF and U+0085 as Python's tokenizers take them: the first is no white space and a character like others, the
 * second is white space. JavaScript has it the other way round, and drops U+FEFF where it decodes; the library minds
 * that in patterns of `tokenizer.json`, but not in the one of byte-level tokenizers, nor in the decoder of byte tokens.
 */
import type { PreTrainedTokenizer } from '@huggingface/transformers';

/** GPT-2's words. */
const BYTE_LEVEL_WORDS =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** A step of encoding or decoding as the library holds it; a sequence holds others. */
interface Step {
  readonly config?: { readonly type: string };
  readonly tokenizers?: readonly Step[];
  readonly decoders?: readonly Step[];
  pattern?: RegExp;
  text_decoder?: InstanceType<typeof TextDecoder>;
}

/** Changes the steps of `tokenizer`. */
export function teachSpaces(tokenizer: PreTrainedTokenizer): void {
  const { _tokenizer: library } = tokenizer as unknown as {
    readonly _tokenizer: { readonly pre_tokenizer: Step | null; readonly decoder: Step | null };
  };
  for (const step of [...stepsOf(library.pre_tokenizer), ...stepsOf(library.decoder)]) {
    if (step.config?.type === 'ByteLevel' && step.pattern !== undefined) {
      step.pattern = BYTE_LEVEL_WORDS;
    }
    if (step.config?.type === 'ByteFallback') {
      step.text_decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    }
  }
}

function stepsOf(step: Step | null): Step[] {
  if (step === null) return [];
  return [step, ...[...(step.tokenizers ?? []), ...(step.decoders ?? [])].flatMap(stepsOf)];
}
