/** Whether an adapter belongs to a base model: its modules and their sizes. */
import { InputError } from '../util/errors.js';
import type { Adapter } from './adapter.js';
import { inModel } from './decoder-root.js';
import { isAdapted } from './lora-targets.js';

/** A linear module of the base model, or a parameter of experts, each of which maps so. */
export interface BaseLinear {
  readonly module: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/**
 * Holds an adapter to its base model: a pair of the right shape on every targeted module, none besides.
 * @throws InputError that says "adapter of another base model" and names the first module at fault.
 */
export function checkAdapter(adapter: Adapter, base: readonly BaseLinear[], where: string): void {
  const fail = (problem: string): never => {
    throw new InputError({
      where,
      problem: `adapter of another base model: ${problem}`,
      remedy: `The adapter was made for ${adapter.baseModel ?? 'a base it does not name'}`,
    });
  };
  const named = (module: string) => `"${inModel(adapter.config.root, module)}"`;
  const linears = new Map(base.map((linear) => [linear.module, linear]));
  for (const [module, { a, b }] of adapter.tensors) {
    const linear = linears.get(module);
    if (linear === undefined) fail(`unexpected module ${named(module)}`);
    else if (a.shape[1] !== linear.inFeatures || b.shape[0] !== linear.outFeatures) {
      fail(
        `${named(module)} maps ${a.shape[1]} to ${b.shape[0]} features, expected ${linear.inFeatures} to ${linear.outFeatures}`,
      );
    }
  }
  for (const module of linears.keys()) {
    if (isAdapted(adapter.config, module) && !adapter.tensors.has(module)) {
      fail(`no tensors for module ${named(module)}`);
    }
  }
}
