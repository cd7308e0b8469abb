/** Differences of resolved configs, key by dotted key. */
import { isObject } from '../../util/json-object.js';

export interface ConfigDifference {
  readonly key: string;
  /** One value for each config, in their order; undefined where a config lacks the key. */
  readonly values: readonly unknown[];
}

/**
 * Keys whose values are not the same in all configs, in order of first appearance.
 * @example configDifferences([{ lora: { r: 8 } }, { lora: { r: 16 } }])
 *   // [{ key: 'lora.r', values: [8, 16] }]
 */
export function configDifferences(configs: readonly unknown[]): ConfigDifference[] {
  const flat = configs.map(flatConfig);
  const keys = new Set(flat.flatMap((config) => [...config.keys()]));
  return [...keys]
    .map((key) => ({ key, values: flat.map((config) => config.get(key)) }))
    .filter(({ values }) => new Set(values.map((value) => JSON.stringify(value))).size > 1);
}

/** Objects are opened to dotted keys; lists and scalars are values. */
export function flatConfig(config: unknown): Map<string, unknown> {
  const out = new Map<string, unknown>();
  const visit = (value: unknown, path: readonly string[]) => {
    if (!isObject(value)) {
      if (path.length > 0) out.set(path.join('.'), value);
      return;
    }
    for (const [key, inner] of Object.entries(value)) visit(inner, [...path, key]);
  };
  visit(config, []);
  return out;
}
