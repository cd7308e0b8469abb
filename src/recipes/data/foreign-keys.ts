/** Which keys of `lorikeet data` a set reads; keys of other sets are refused. */
import { isDeepStrictEqual } from 'node:util';
import { type DataConfig, dataSchema } from '../../config/index.js';
import { InputError } from '../../util/errors.js';
import { isObject } from '../../util/json-object.js';

type Key = keyof DataConfig;

/** `revision` has errors of its own. */
const EVERY_SET: readonly Key[] = ['name', 'revision', 'output_dir', 'overwrite', 'seed'];

const OF_SETS: Readonly<Record<string, readonly Key[]>> = {
  arithmetic: ['train_samples', 'valid_samples', 'test_samples', 'arithmetic'],
  factorization: [
    'num_samples',
    'optimize',
    'tiers',
    'samples_per_tier',
    'max_value',
    'num_workers',
    'factorization',
  ],
  medical: ['train_samples', 'test_samples', 'medical'],
  genselect: ['train_samples', 'genselect'],
  'tir-check': ['tir_check'],
  contamination: ['contamination'],
};

const OF_FILES: readonly Key[] = ['train_samples', 'valid_samples', 'test_samples'];

/** @throws InputError on a key that the set does not read and that differs from its default */
export function refuseForeignKeys(config: DataConfig): void {
  const { name } = config;
  const own = Object.hasOwn(OF_SETS, name) ? OF_SETS[name]! : OF_FILES;
  const defaults = dataSchema.parse({ name });
  const known = new Set<string>([...EVERY_SET, ...own]);
  for (const [key, value] of Object.entries(config)) {
    if (known.has(key)) continue;
    const changed = changedKey(key, value, defaults[key as Key]);
    if (changed === null) continue;
    throw new InputError({
      where: changed,
      problem: `the set ${name} does not read it`,
      remedy: `Leave it out; ${name} reads ${own.join(', ')}`,
    });
  }
}

/** The dotted name of the first key that is not its default, or null. */
function changedKey(name: string, value: unknown, fallback: unknown): string | null {
  if (isDeepStrictEqual(value, fallback)) return null;
  if (!isObject(value) || !isObject(fallback)) return name;
  const keys = Object.keys(value);
  const changed = keys.map((key) => changedKey(`${name}.${key}`, value[key], fallback[key]));
  return changed.find((key) => key !== null) ?? name;
}
