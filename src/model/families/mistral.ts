/** Mistral: Llama with a sliding window in every layer (null in later releases: none). */
import type { DecoderSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { llamaLike } from './llama.js';

export function mistral(fields: ConfigFields): DecoderSpec {
  const spec = llamaLike(fields, { family: 'mistral', maxPositions: 131_072, keyValueHeads: 8 });
  const window = fields.positiveIntegerOrNull('sliding_window', 4096);
  return { ...spec, layers: spec.layers.map((layer) => ({ ...layer, window })) };
}
