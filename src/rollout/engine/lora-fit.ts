/** Whether an adapter can be given to a graph: which modules it is for, and their shapes. */
import type { DecoderSpec } from '../../model/spec.js';
import { adaptable } from '../../model/spec-modules.js';
import { InputError } from '../../util/errors.js';
import type { Adapter, LoraTensors } from '../../weights/index.js';

/**
 * @param modules Those with LoRA inputs.
 * @throws InputError when the adapter does not fit the model or these modules
 */
export function checkFit(
  adapter: Adapter,
  { spec, modules }: { readonly spec: DecoderSpec; readonly modules: ReadonlySet<string> },
): void {
  const linears = new Map(adaptable(spec).map((linear) => [linear.module, linear]));
  for (const name of adapter.replaced?.keys() ?? []) {
    throw misfit(adapter, `it replaces "${name}", which has no input`);
  }
  for (const [module, tensors] of adapter.tensors) {
    if (tensors.magnitude !== undefined) throw misfit(adapter, `"${module}" has magnitudes (DoRA)`);
    const linear = linears.get(module);
    if (linear === undefined) throw misfit(adapter, `the model has no linear "${module}"`);
    if (!modules.has(module)) {
      throw misfit(adapter, `"${module}" was not among the modules set up for adapters`);
    }
    checkShapes(adapter, module, tensors, linear);
  }
}

function misfit(adapter: Adapter, problem: string): InputError {
  return new InputError({
    where: `adapter of ${adapter.baseModel ?? 'an unnamed base'}`,
    problem,
    remedy: 'Use the adapter with the base model and the target modules it was trained with',
  });
}

function checkShapes(
  adapter: Adapter,
  module: string,
  { a, b }: LoraTensors,
  { inFeatures, outFeatures, ...rest }: ReturnType<typeof adaptable>[number],
): void {
  const [rank = 0] = a.shape;
  const fits =
    rank % ('count' in rest ? rest.count : 1) === 0 &&
    a.shape.length === 2 &&
    b.shape.length === 2 &&
    a.shape[1] === inFeatures &&
    b.shape[0] === outFeatures &&
    b.shape[1] === rank;
  if (fits) return;
  throw misfit(
    adapter,
    `"${module}" has A [${a.shape.join(', ')}] and B [${b.shape.join(', ')}], expected [r, ${inFeatures}] and [${outFeatures}, r]`,
  );
}
