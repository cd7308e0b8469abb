/** The keys of a config that count in the hash of what is sampled. */
import type { GenerateConfig, RolloutsConfig, TracesConfig } from '../../config/index.js';

type SampledConfig = GenerateConfig | RolloutsConfig | TracesConfig;

/** Also of those that not all of them have. A key that is renamed is renamed here, or hashes would change unseen. */
type KeyOf<Config> = Config extends unknown ? keyof Config : never;

/** Count as what they mean on this machine: see `rolloutIdentity` and `baseIdentity`. */
const MEANT = [
  ...['rollout_device', 'rollout_precision', 'rollout_memory_limit'],
  ...['load_in_4bit', 'bnb_4bit_quant_type', 'use_bnb_nested_quant'],
] as const satisfies readonly KeyOf<SampledConfig>[];

/** Where files are, how many at once, and the weights, which are hashed themselves or told by the adapter. */
const NEUTRAL = [
  ...['overwrite', 'resume', 'batch_size', 'threads', 'model', 'adapter', 'device'],
] as const satisfies readonly KeyOf<SampledConfig>[];

/** Keys with their values, but those that do not change what a completion is. @param own More of those */
export function requestSettings<Config extends SampledConfig>(
  config: Config,
  own: readonly (keyof Config)[],
): [string, unknown][] {
  const left = new Set<PropertyKey>([...MEANT, ...NEUTRAL, ...own]);
  return Object.entries(config).filter(([key]) => !left.has(key));
}
