/** The check of TensorFlow: which runtime is used, and products really computed with it. */
import { type ProbeResult, probeBinding, TRAINING_DRIVER } from '../../setup/index.js';
import { cardOf, kindOf } from '../../tensor/gpu.js';
import { findNativeOps, prefersNativeOps } from '../../tensor/native/library.js';
import { type DeviceChoice, locateRuntime, type TensorflowRuntime } from '../../tensor/runtime.js';
import { hasBfloat16Products } from '../../util/processor.js';
import { broken, type Check, note, ok } from './check.js';

/** Rows and columns of the timed product: 17 GFLOP each, some tens of milliseconds on a CPU. */
const SIZE = 2048;

const setupCommand = (device: DeviceChoice) =>
  `npx lorikeet setup${device === 'auto' ? '' : ` device=${kindOf(device)}`}`;

const speed = (result: ProbeResult) =>
  result.works && result.gflops !== null ? `${Math.round(result.gflops)} GFLOP/s` : 'not timed';

/** Products in float32, and on the CPU with bfloat16 allowed. @param card Null on the CPU */
async function timed(
  { binding }: TensorflowRuntime,
  card: string | null,
): Promise<{ float32: ProbeResult; bfloat16: ProbeResult | null }> {
  const { TF_SET_ONEDNN_FPMATH_MODE: _mode, ...env } = process.env;
  const float32 = await probeBinding(binding, { env, card, size: SIZE });
  if (card !== null) return { float32, bfloat16: null };
  const fast = { ...env, TF_SET_ONEDNN_FPMATH_MODE: 'BF16' };
  return { float32, bfloat16: await probeBinding(binding, { env: fast, size: SIZE }) };
}

export async function tensorflowCheck(device: DeviceChoice): Promise<Check> {
  const runtime = locateRuntime(device);
  if (runtime === null) {
    return broken('tensorflow', `not set up (device=${device})`, `Run \`${setupCommand(device)}\``);
  }
  const card = runtime.device === 'cuda' ? (cardOf(device) ?? '') : null;
  const { float32, bfloat16 } = await timed(runtime, card);
  if (!float32.works) {
    const remedy = `Run \`${setupCommand(device)} force=true\` to build it anew`;
    return broken('tensorflow', `${runtime.binding} does not work: ${float32.reason}`, remedy);
  }
  if (runtime.device === 'cuda' && !float32.gpu) {
    const remedy = `Check that there is ${TRAINING_DRIVER}, or use device=cpu`;
    return broken('tensorflow', `${runtime.binding} sees no usable GPU`, remedy);
  }
  const origin = runtime.source === 'package' ? "the package's own binding" : "set-up's binding";
  const beside = bfloat16 === null ? '' : ` (bfloat16 ${speed(bfloat16)})`;
  const products = `products at ${speed(float32)}${beside}`;
  return ok('tensorflow', `${float32.version}, device ${runtime.device}, ${origin}, ${products}`);
}

/** Whether our own operations will run, and in which types they have instructions here. */
export function fusedOpsCheck(device: DeviceChoice): Check {
  const runtime = locateRuntime(device);
  const remedy = `Run \`${setupCommand(device)}\``;
  if (runtime === null) return note('fused operations', 'TensorFlow is not set up', remedy);
  if (runtime.device === 'cuda') return ok('fused operations', 'not used: they are for the CPU');
  const found = findNativeOps(runtime);
  if (!found.inUse && !prefersNativeOps())
    return ok('fused operations', `not used: ${found.reason}`);
  if (!found.inUse) {
    return note('fused operations', `not in use: ${found.reason}; training is slower`, remedy);
  }
  const types = hasBfloat16Products() ? 'float32 and bfloat16' : 'float32; bfloat16 is emulated';
  return ok('fused operations', `in use, for ${types}`);
}
