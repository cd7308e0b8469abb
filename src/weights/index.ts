/** Weights on disk: safetensors checkpoints and PEFT adapters, as tensors in host memory. */
export { type Adapter, adapterHash, type LoraTensors } from './adapter.js';
export { ADAPTER_CONFIG } from './adapter-files.js';
export { loraName, loraPartOf } from './adapter-keys.js';
export { readAdapter, readAdapterConfig } from './adapter-reader.js';
export { writeAdapter } from './adapter-writer.js';
export { checkAdapter } from './check-adapter.js';
export { type Checkpoint, openCheckpoint } from './checkpoint.js';
export { checkShapes } from './checkpoint-shapes.js';
export { writeCheckpoint } from './checkpoint-writer.js';
export { type DecoderRoot, inModel, moduleOf } from './decoder-root.js';
export { BYTES_PER_ELEMENT, fromFloat32, toFloat32 } from './dtype.js';
export { eachExpert, isParameter, rowsOfLora } from './expert-lora.js';
export { weightsFingerprint } from './fingerprint.js';
export {
  FOUR_BIT_BLOCK,
  fourBitTensor,
  type Quantization,
  quantizationName,
} from './four-bit.js';
export type { FilePlace, HostDtype, HostTensor } from './host-tensor.js';
export { type LoraConfig, loraConfig } from './lora-config.js';
export {
  idleNames,
  isSaved,
  isSavedBy,
  type LoraTarget,
  lastParts,
  resolveTargets,
} from './lora-targets.js';
export { fromMxfp4, MXFP4_BLOCK } from './mxfp4.js';
export { readSafetensors } from './safetensors-reader.js';
export { writeSafetensors } from './safetensors-writer.js';
