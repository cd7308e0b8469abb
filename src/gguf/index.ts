/** Models as GGUF files, the format of llama.cpp, Ollama and LM Studio. */
export { type GgufModel, ggufModel } from './model.js';
export { asRead } from './tensors.js';
export type { GgufDtype } from './types.js';
export { dataBytes, writeGguf } from './write.js';
