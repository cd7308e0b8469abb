/** What a graded completion depends on, as a hash in its row: a call that goes on keeps the rows that have it. */
import type { GenerateConfig } from '../../config/index.js';
import { kindOf } from '../../tensor/gpu.js';
import { locateRuntime } from '../../tensor/runtime.js';
import { sha256 } from '../../util/files.js';
import type { PromptedRow } from '../inputs/prompted-rows.js';
import { baseIdentity } from '../inputs/quantization.js';
import { GRADING_KEYS, gradingIdentity } from '../rewards/identity.js';
import { requestSettings } from '../sampling/request-settings.js';
import { rolloutIdentity } from '../sampling/rollout-engine.js';
import type { GenerateEngine } from './engine.js';

/** Keys that do not change what a completion is; a server counts by what it is asked. */
const NEUTRAL = ['input', 'prompt', 'output', 'output_csv', 'num_generations', 'server'] as const;

export type HashPrompt = (prompt: PromptedRow) => string;

/** Of everything beside the adapter that a graded completion of a prompt depends on. */
export function requestHasher(config: GenerateConfig, { base }: GenerateEngine): HashPrompt {
  const settings = requestSettings(config, [...NEUTRAL, ...GRADING_KEYS]);
  const grading = gradingIdentity(config);
  const about = [settings, grading, engineIdentity(config), base, ...baseIdentity(config)];
  return ({ id, promptIds, messages }) =>
    sha256(JSON.stringify([id, promptIds, messages, about])).slice(0, 16);
}

/** What TensorFlow computes on here. */
const computes = (choice: GenerateConfig['device']) =>
  locateRuntime(choice)?.device ?? kindOf(choice);

/** What the engine of the config makes completions by. */
function engineIdentity(config: GenerateConfig): unknown {
  if (config.engine === 'onnxruntime') return rolloutIdentity(config);
  if (config.engine === 'tensorflow') return computes(config.device);
  const { api, model, reasoning, extra_body } = config.server;
  return [api, model, reasoning, extra_body];
}
