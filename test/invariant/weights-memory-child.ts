/** Opens a sampler, then loads its weights anew. Prints MiB: of the weights, and by how much each step's peak grew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { specFromConfig } from '../../src/model/index.js';
import { parameterShapes } from '../../src/model/spec-modules.js';
import { createOnnxSampler } from '../../src/rollout/index.js';
import { elementCount } from '../../src/util/shape.js';
import { fromFloat32 } from '../../src/weights/index.js';

const spec = specFromConfig('test', {
  model_type: 'llama',
  hidden_size: 512,
  intermediate_size: 2048,
  num_hidden_layers: 8,
  num_attention_heads: 8,
  num_key_value_heads: 8,
  vocab_size: 512,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  hidden_act: 'silu',
  tie_word_embeddings: true,
});
const shapes = parameterShapes(spec);
const bytes = [...shapes.values()].reduce((sum, shape) => sum + 4 * elementCount(shape), 0);
const names = [...shapes.keys()];
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Each tensor is another one: ONNX Runtime keeps equal ones once. Those that are done with do not count. */
const weights = (name: string) => {
  collectGarbage();
  const shape = shapes.get(name)!;
  return fromFloat32(
    new Float32Array(elementCount(shape)).fill(1 / (1 + names.indexOf(name))),
    shape,
  );
};

const status = (key: string): number =>
  Number(new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))![1]) /
  1024;

/** MiB at the peak of some work above what was resident before it. */
async function peakOf(work: () => Promise<unknown>): Promise<number> {
  writeFileSync('/proc/self/clear_refs', '5');
  const before = status('VmRSS');
  await work();
  return status('VmHWM') - before;
}

const tokenizer = { eosIds: [], decode: () => '' };
let sampler: Awaited<ReturnType<typeof createOnnxSampler>> | undefined;
const opened = await peakOf(async () => {
  sampler = await createOnnxSampler({ spec, weights, tokenizer, maxContext: 32, threads: 1 });
});
const reloaded = await peakOf(async () => await sampler!.reloadWeights(weights, 'v2'));
process.stdout.write(JSON.stringify({ weights: bytes / 2 ** 20, opened, reloaded }));
