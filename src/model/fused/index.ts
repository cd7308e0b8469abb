/** Decoder layers with LoRA by our own operations. */
export type { FusedContext } from './fused-source.js';
export { FusedLayer } from './layer.js';
export type { FusedLinear, FusedLora } from './linear-group.js';
