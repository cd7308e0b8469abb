/** The sampler on ONNX Runtime with a golden model. */
import type { OnnxSampler } from '../../src/rollout/engine/onnx-sampler.js';
import { createOnnxSampler, type OnnxSamplerOptions } from '../../src/rollout/index.js';
import { type GoldenCase, goldenSpec, goldenWeights, letterTokenizer } from './golden-rollouts.js';

/** With inputs for the case's adapter, 64 tokens of context and one thread, unless `changes` says otherwise. */
export function goldenSampler(
  golden: GoldenCase,
  { spec = goldenSpec(golden), ...changes }: Partial<OnnxSamplerOptions> = {},
): Promise<OnnxSampler> {
  return createOnnxSampler({
    spec,
    weights: goldenWeights(golden, spec),
    tokenizer: letterTokenizer(golden.eos),
    loraModules: golden.lora.modules,
    maxContext: 64,
    threads: 1,
    ...changes,
  });
}

/** The case's prompts, each to be continued `n` times. */
export const goldenRequests = ({ prompts }: GoldenCase, n = 1) =>
  prompts.map((promptIds, i) => ({ id: String(i), promptIds, n }));
