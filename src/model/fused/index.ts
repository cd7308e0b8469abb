/** Decoder layers with LoRA by our own operations. */
export { byExpert } from './expert-linears.js';
export type { FusedContext } from './fused-source.js';
export { joinedLora } from './joined-lora.js';
export { FusedLayer, type LayerKept } from './layer.js';
export type { FusedLinear, FusedLora } from './linear-group.js';
