/** The checks of ONNX Runtime: a tiny decoder is built, loaded and really run; our operators are looked for. */
import { existsSync } from 'node:fs';
import { specFromConfig } from '../../model/index.js';
import { parameterShapes } from '../../model/spec-modules.js';
import {
  createChildSampler,
  createOnnxSampler,
  type RolloutDevice,
  type RolloutSampler,
} from '../../rollout/index.js';
import {
  cudaRolloutsEnv,
  findCudaRollouts,
  nvidiaGpu,
  operatorsLibrary,
  unfitForRollouts,
} from '../../setup/index.js';
import { cardOf, type DeviceChoice, showOnly, visibleCards } from '../../tensor/gpu.js';
import { cacheRoot } from '../../util/cache.js';
import { messageOf } from '../../util/errors.js';
import { versionOf } from '../../util/package-version.js';
import { elementCount } from '../../util/shape.js';
import { fromFloat32, type HostTensor } from '../../weights/index.js';
import { broken, type Check, note, ok } from './check.js';

const VOCAB = 4;

const SPEC = {
  model_type: 'llama',
  hidden_size: 32,
  intermediate_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  vocab_size: VOCAB,
  max_position_embeddings: 8,
  rms_norm_eps: 1e-5,
  hidden_act: 'silu',
  tie_word_embeddings: true,
};

/** A decoder whose weights are all zero. @param env Of a process of its own; undefined: this one */
async function openZeros(device: RolloutDevice, env?: NodeJS.ProcessEnv): Promise<RolloutSampler> {
  const spec = specFromConfig('doctor', SPEC);
  const shapes = parameterShapes(spec);
  const weights = (name: string): HostTensor => {
    const shape = shapes.get(name) ?? [];
    const size = elementCount(shape);
    return fromFloat32(new Float32Array(size), shape);
  };
  // The provider for CUDA has no attention in float32; every card has float16.
  const type = device === 'cuda' ? 'float16' : 'float32';
  const options = { spec, weights, maxContext: 8, threads: 1, device, type } as const;
  if (env !== undefined) return await createChildSampler({ ...options, tokenizerDir: null, env });
  return await createOnnxSampler({ ...options, tokenizer: { eosIds: [], decode: () => '' } });
}

/** As every token has the same probability, each log-probability is −ln 4. */
export async function scoreWithZeros(
  device: RolloutDevice,
  env?: NodeJS.ProcessEnv,
): Promise<readonly number[]> {
  const sampler = await openZeros(device, env);
  try {
    const [logprobs] = await sampler.score([[1, 2, 3]]);
    return Array.from(logprobs ?? []);
  } finally {
    sampler.dispose();
  }
}

const isRight = (logprobs: readonly number[]): boolean =>
  logprobs.length === 2 && logprobs.every((value) => Math.abs(value + Math.log(VOCAB)) < 1e-5);

export async function onnxCheck(): Promise<Check> {
  const name = 'onnxruntime';
  const remedy = 'Install the npm packages again (`npm ci`)';
  try {
    const logprobs = await scoreWithZeros('cpu');
    if (!isRight(logprobs)) {
      return broken(name, `a decoder scored ${logprobs.join(', ')}`, remedy);
    }
    return ok(name, `${versionOf('onnxruntime-node')}, device cpu, a decoder was run`);
  } catch (error) {
    return broken(name, messageOf(error), remedy);
  }
}

const GPU_REMEDY = 'Use rollout_device=cpu';

/** Whether rollouts on a GPU work here; nothing depends on them. */
async function rolloutCheck(
  name: string,
  { device, env, how }: { device: RolloutDevice; env?: NodeJS.ProcessEnv; how: string },
): Promise<Check> {
  try {
    const logprobs = await scoreWithZeros(device, env);
    return isRight(logprobs)
      ? ok(name, `a decoder was run${how}; rollout_device=${device} works`)
      : note(name, `a decoder scored ${logprobs.join(', ')}`, GPU_REMEDY);
  } catch (error) {
    return note(name, `rollout_device=${device} does not work`, messageOf(error));
  }
}

/** In a process of its own, which keeps to itself what drivers write, and whose end by one is no end here. */
export const webgpuCheck = (): Promise<Check> =>
  rolloutCheck('webgpu', { device: 'webgpu', env: process.env, how: '' });

/** On the card that `device` names, as beside a training there; else on the first. */
export async function cudaRolloutsCheck(device: DeviceChoice): Promise<Check> {
  const name = 'rollouts on cuda';
  const card = cardOf(device);
  if (card === undefined) {
    const found = visibleCards().length === 0 ? 'no NVIDIA GPU' : 'no such NVIDIA GPU';
    return note(name, found, GPU_REMEDY);
  }
  const gpu = nvidiaGpu(card);
  const unfit = gpu === null ? null : unfitForRollouts(gpu);
  if (unfit !== null) return note(name, unfit.problem, unfit.remedy);
  const found = findCudaRollouts();
  if (found === null) return note(name, 'not set up', 'Run `npx lorikeet setup device=cuda`');
  const how = ` by ${found.library}, in a process of its own with CUDA 13, apart from TensorFlow's CUDA 12`;
  const env = { ...cudaRolloutsEnv(found), ...showOnly(card) };
  return await rolloutCheck(name, { device: 'cuda', env, how });
}

/** Whether set-up has compiled the operators that rollouts in bfloat16 and int8 need. */
export function operatorsCheck(): Check {
  const name = 'rollout operators';
  const library = operatorsLibrary(cacheRoot());
  if (existsSync(library)) return ok(name, `compiled for this processor, ${library}`);
  return note(
    name,
    'not compiled; rollouts compute in float32, more slowly',
    'Run `npx lorikeet setup`',
  );
}
