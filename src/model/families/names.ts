/** Names of modules that most families share. */
import type { ModuleNames } from '../spec.js';

export const LLAMA_NAMES: ModuleNames = {
  attentionOutput: 'o_proj',
  queryNorm: 'q_norm',
  keyNorm: 'k_norm',
  mlp: 'mlp',
  gate: 'gate_proj',
  up: 'up_proj',
  gateUp: 'gate_up_proj',
  down: 'down_proj',
  router: 'gate',
  finalNorm: 'model.norm',
};
