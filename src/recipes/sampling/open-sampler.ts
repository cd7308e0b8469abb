/** An opened model → a sampler on ONNX Runtime, with the adapter that the model brings. */
import { plainView, untied } from '../../model/index.js';
import { adaptable } from '../../model/spec-modules.js';
import {
  createChildSampler,
  createOnnxSampler,
  type OnnxSamplerOptions,
  type RolloutSampler,
} from '../../rollout/index.js';
import { opening } from '../../util/close-stack.js';
import { InputError } from '../../util/errors.js';
import { adapterHash } from '../../weights/index.js';
import type { ModelSource } from '../inputs/model-source.js';

type EngineOptions = Pick<
  OnnxSamplerOptions,
  'loraModules' | 'maxPrefixBytes' | 'kernels' | 'device' | 'type' | 'memoryLimit'
>;

/** `loraModules`: those of the model's own adapter by default. */
export interface SamplerOptions extends EngineOptions {
  readonly threads: number | null;
  /** Sequences in flight at the same time. */
  readonly maxBatch: number;
  readonly maxPromptLength: number;
  readonly maxNewTokens: number;
  /** Samples in a process of its own with this environment, where given. */
  readonly childEnv?: NodeJS.ProcessEnv;
  /** Base parameters that later adapters replace; default: those that the model's own adapter does. */
  readonly replaced?: ReadonlySet<string>;
}

/** @throws InputError when prompt and completion do not fit the model's context. */
export function openSampler(source: ModelSource, options: SamplerOptions): Promise<RolloutSampler> {
  return opening(async (stack) => {
    const { maxPromptLength, maxNewTokens, maxBatch } = options;
    const maxContext = maxPromptLength + maxNewTokens;
    if (maxContext > source.spec.maxPositions) {
      throw new InputError({
        where: 'max_new_tokens',
        problem: `a prompt of ${maxPromptLength} and a completion of ${maxNewTokens} tokens exceed the model's context of ${source.spec.maxPositions}`,
        remedy: 'Lower it, or leave out the longest prompts',
      });
    }
    const wanted = new Set(options.loraModules ?? source.adapter?.tensors.keys());
    const { spec, weights, adapter } = sampledModel(source, options.replaced);
    const { childEnv, kernels, device, type, memoryLimit, maxPrefixBytes, threads } = options;
    const common = {
      spec,
      weights,
      loraModules: adaptable(spec)
        .map(({ module }) => module)
        .filter((module) => wanted.has(module)),
      maxContext,
      maxBatch,
      ...(maxPrefixBytes !== undefined && { maxPrefixBytes }),
      ...(device !== undefined && { device }),
      ...(type !== undefined && { type }),
      ...(memoryLimit !== undefined && { memoryLimit }),
      ...(threads !== null && { threads }),
    };
    const { tokenizer } = source;
    const { dir: tokenizerDir, eosIds } = tokenizer;
    const sampler = stack.adopt(
      childEnv === undefined
        ? await createOnnxSampler({ ...common, tokenizer, ...(kernels && { kernels }) })
        : await createChildSampler({ ...common, tokenizerDir, eosIds, env: childEnv }),
      (own) => own.dispose(),
    );
    if (source.adapter !== null) await sampler.setAdapter(adapter, adapterHash(source.adapter));
    return sampler;
  });
}

/** The sampler adds plain LoRA to its base; what else an adapter changes goes into the base. */
function sampledModel(source: ModelSource, replaced: ReadonlySet<string> = new Set()) {
  if (source.adapter === null) return { ...untied(source, { replaced }), adapter: null };
  return plainView(source, source.adapter);
}
