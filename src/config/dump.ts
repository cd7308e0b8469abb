/** The resolved config as text. */
import { stringify } from 'yaml';
import { isObject } from '../util/json-object.js';

/** YAML that loads back to the same config. */
export function resolvedYaml(config: unknown): string {
  return stringify(escapeReferences(config), { lineWidth: 100 });
}

function escapeReferences(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('${', () => '$${');
  if (Array.isArray(value)) return value.map(escapeReferences);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, escapeReferences(child)] as const),
  );
}
