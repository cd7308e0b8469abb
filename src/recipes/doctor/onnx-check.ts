/** The checks of ONNX Runtime: a tiny decoder is built, loaded and really run; our operators are looked for. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { specFromConfig } from '../../model/index.js';
import { parameterShapes } from '../../model/spec.js';
import { createOnnxSampler, type RolloutDevice } from '../../rollout/index.js';
import { operatorsLibrary } from '../../setup/index.js';
import { cacheRoot } from '../../util/cache.js';
import { messageOf } from '../../util/errors.js';
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

/** With all weights zero every token has the same probability, so each log-probability is −ln 4. */
async function scoreWithZeros(device: RolloutDevice): Promise<readonly number[]> {
  const spec = specFromConfig('doctor', SPEC);
  const shapes = parameterShapes(spec);
  const weights = (name: string): HostTensor => {
    const shape = shapes.get(name) ?? [];
    const size = shape.reduce((a, b) => a * b, 1);
    return fromFloat32(new Float32Array(size), shape);
  };
  const tokenizer = { eosIds: [], decode: () => '' };
  const options = { spec, weights, tokenizer, maxContext: 8, threads: 1, device };
  const sampler = await createOnnxSampler(options);
  try {
    const [logprobs] = await sampler.score([[1, 2, 3]]);
    return Array.from(logprobs ?? []);
  } finally {
    sampler.dispose();
  }
}

function packageVersion(): string {
  const path = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
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
    return ok(name, `${packageVersion()}, device cpu, a decoder was run`);
  } catch (error) {
    return broken(name, messageOf(error), remedy);
  }
}

/** Whether `rollout_device=webgpu` works here; nothing depends on it. */
export async function webgpuCheck(): Promise<Check> {
  const name = 'webgpu';
  const remedy = 'Use rollout_device=cpu';
  try {
    const logprobs = await scoreWithZeros('webgpu');
    return isRight(logprobs)
      ? ok(name, 'a decoder was run; rollout_device=webgpu works')
      : note(name, `a decoder scored ${logprobs.join(', ')}`, remedy);
  } catch (error) {
    return note(name, 'rollout_device=webgpu does not work', messageOf(error));
  }
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
