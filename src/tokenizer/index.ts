/** Text to token ids and back, chat templates, and the loss masks of training rows. */
export { writeByteTokenizer } from './byte/byte-tokenizer.js';
export { WORD_PATTERN } from './byte/words.js';
export type { RenderedExample, TrainOn } from './loss-mask.js';
export { asMessages, asTurns, type ChatRow, type Message, type Turns } from './messages.js';
export { fillTemplate } from './prompt-template.js';
export { renderExample, renderPrompt } from './render.js';
export type { RenderExampleOptions, RenderOptions } from './row-text.js';
export { readsVariable, variableColumns } from './row-variables.js';
export { saveTokenizer } from './save-tokenizer.js';
export { loadTokenizer, type Tokenizer } from './tokenizer.js';
export {
  copyTokenizerFiles,
  readChatTemplate,
  readTokenizerFiles,
  tokenizerHash,
} from './tokenizer-files.js';
export { unreadFields } from './unread-fields.js';
