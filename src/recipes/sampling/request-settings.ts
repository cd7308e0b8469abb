/** The keys of a config that count in the hash of what is sampled. */

/** Count as what they mean on this machine: see `rolloutIdentity` and `baseIdentity`. */
const MEANT = [
  ...['rollout_device', 'rollout_precision', 'rollout_memory_limit'],
  ...['load_in_4bit', 'bnb_4bit_quant_type', 'use_bnb_nested_quant'],
];

/** Where files are, how many at once, and the weights, which are hashed themselves or told by the adapter. */
const NEUTRAL = ['overwrite', 'resume', 'batch_size', 'threads', 'model', 'adapter', 'device'];

/** Keys with their values, but those that do not change what a completion is. @param own More of those */
export function requestSettings(config: object, own: readonly string[]): [string, unknown][] {
  const left = new Set([...MEANT, ...NEUTRAL, ...own]);
  return Object.entries(config).filter(([key]) => !left.has(key));
}
