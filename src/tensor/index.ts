/** Tensors: the TensorFlow door, fused operations with gradients, the parameter vector and its optimizer. */

export { keepFreedBlocks } from './freed-blocks.js';
export { gemmRate } from './gemm-rate.js';
export { HalfFactors } from './half-factors.js';
export {
  cut,
  half,
  joined,
  parted,
  plus,
  reshaped,
  transposed,
  zeros,
} from './kernels/half-tensor.js';
export { kernels } from './kernels/kernels.js';
export { dropoutMask, seededUniform } from './kernels/seeded-uniform.js';
export { type ComputeType, castTo, type NormGradientInputs, type Product } from './native/calls.js';
export type { AttentionShape } from './native/mixer-calls.js';
export { indicesOnDevice, storedOnDevice } from './on-device.js';
export { onHost } from './on-host.js';
export { attention } from './ops/attention.js';
export { centred } from './ops/centred.js';
export { orthonormal, svd } from './ops/decompositions.js';
export { rowNorms } from './ops/dora.js';
export { FourBitWeight } from './ops/four-bit.js';
export { gatedActivation } from './ops/gated-activation.js';
export { gatedDeltaRule } from './ops/gated-delta.js';
export { gather, rowsAt, segmentSums } from './ops/gather.js';
export { CORRECT, ENTROPY, type GradientColumn, LOGP, MEAN_LOGP } from './ops/head-options.js';
export type { ChunkLayout, ChunkLevel, DenseLayout, QueryBand, TokenLayout } from './ops/layout.js';
export { type LoraBranch, linear } from './ops/linear.js';
export { rmsNorm } from './ops/rms-norm.js';
export { rope } from './ops/rope.js';
export { type RotaryTable, Rotation } from './ops/rotation.js';
export { shortConvolution } from './ops/short-convolution.js';
export { silu } from './ops/silu.js';
export { sliced } from './ops/slice.js';
export { stopGradient } from './ops/stop-gradient.js';
export { tokenScores } from './ops/token-scores.js';
export { trianglesOf } from './ops/unit-lower-inverse.js';
export { withGradient } from './ops/with-gradient.js';
export { withLength } from './ops/with-length.js';
export { adamW } from './optimizers/adamw.js';
export { lion } from './optimizers/lion.js';
export type { Optimizer, OptimizerState } from './optimizers/optimizer.js';
export { PIECE } from './optimizers/pieces.js';
export { explained, throwExplained } from './out-of-memory.js';
export { type ParameterShape, ParameterVector } from './parameter-vector.js';
export type { ParameterViews } from './parameter-views.js';
export {
  configureTensorflow,
  deviceInfo,
  hasHalfTensors,
  hasNativeOps,
  type Tensor,
  type Tensor1D,
  tf,
} from './tf.js';
