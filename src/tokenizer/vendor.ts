/** The door to `@huggingface/transformers`, opened at first use: importing it loads native libraries. */
import type { PreTrainedTokenizer } from '@huggingface/transformers';

export type { PreTrainedTokenizer };

/**
 * A tokenizer from parsed `tokenizer.json` and `tokenizer_config.json`. Decoder models need nothing
 * beyond the base class, and handing over parsed files keeps the library away from the network.
 */
export async function createTokenizer(
  tokenizerJson: object,
  tokenizerConfig: object,
): Promise<PreTrainedTokenizer> {
  const { PreTrainedTokenizer: Base } = await import('@huggingface/transformers');
  return new Base(tokenizerJson, tokenizerConfig);
}
