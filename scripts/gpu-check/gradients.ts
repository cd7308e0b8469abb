/**
 * Writes the gradients of one batch, as safetensors by the names of the parameters.
 *
 *   npx tsx scripts/gpu-check/gradients.ts model=DIR device=cuda compute_dtype=float32 output=FILE
 *
 * A run folder as model gives the gradients of its adapter. Prints one JSON line with the loss.
 */
import { commandSchemas, type SftConfig } from '../../src/config/index.js';
import { sftLoss } from '../../src/losses/index.js';
import { collate } from '../../src/model/index.js';
import { openModel } from '../../src/recipes/inputs/model-source.js';
import { configureDevice } from '../../src/recipes/training/configure-device.js';
import { trainedPolicy } from '../../src/recipes/training/trained-policy.js';
import { Rng } from '../../src/util/rng.js';
import { fromFloat32, writeSafetensors } from '../../src/weights/index.js';

const LENGTHS = [40, 17, 5];

const words = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));
const { model, device, compute_dtype, output } = words as Record<string, string>;
const config = commandSchemas.sft.parse({
  model,
  device,
  compute_dtype,
  dataset: { path: 'none' },
  gradient_checkpointing: true,
}) as SftConfig;
configureDevice(config);
const source = await openModel(
  { model: config.model },
  {
    signal: new AbortController().signal,
    log: () => undefined,
    print: () => undefined,
    verbose: false,
  },
);
const shape = { rows: LENGTHS.length, longest: Math.max(...LENGTHS) };
const { policy } = trainedPolicy(config, source, { keepReference: false, samplers: [], shape });
const rng = Rng.of('gpu-check', 'gradients');
const rows = LENGTHS.map((length) => {
  const ids = Array.from({ length }, () => rng.int(3, source.spec.vocabSize - 1));
  return { ids, trained: ids.map(() => true) };
});
const batch = collate(rows);
const { gradient, loss } = await policy.gradients(batch, (scores) =>
  sftLoss(scores, { lossType: 'nll', labelSmoothing: 0, totalTokens: batch.targets.length }),
);
const values = (await gradient.data()) as Float32Array;
let offset = 0;
const tensors = policy.parameters.shapes.map(({ name, shape: sizes }) => {
  const size = sizes.reduce((a, b) => a * b, 1);
  const part = values.slice(offset, offset + size);
  offset += size;
  return [name, fromFloat32(part, sizes, 'float32')] as const;
});
writeSafetensors(output!, new Map(tensors));
console.log(JSON.stringify({ loss, parameters: tensors.length }));
source.close();
