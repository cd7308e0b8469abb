/** The door to `@huggingface/transformers`, opened at first use: importing it loads native libraries. */
import type { PreTrainedTokenizer } from '@huggingface/transformers';
import { teachStrip } from './strip-characters.js';
import { teachSpaces } from './unicode-spaces.js';

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
  const tokenizer = new Base(tokenizerJson, tokenizerConfig);
  teachSpaces(tokenizer);
  if (!stripsCharacters) {
    teachStrip((template, call) => {
      // A variable of the template stands beside the options, whose type does not know it.
      const variables = { call };
      tokenizer.apply_chat_template([], { ...variables, tokenize: false, chat_template: template });
    });
    stripsCharacters = true;
  }
  return tokenizer;
}

let stripsCharacters = false;
