/**
 * The adapter as inputs of the graph. A new version is copied into memory that the graph reads from. Modules
 * without tensors take no room, so that without an adapter the matrices have rank 0 and cost next to nothing.
 */
import type { DecoderSpec } from '../../model/spec.js';
import { adaptable } from '../../model/spec-modules.js';
import { InputError } from '../../util/errors.js';
import { type Adapter, adapterHash, isParameter } from '../../weights/index.js';
import { loraA, loraB } from '../graph/names.js';
import { allMergedProjections, allProjections } from '../graph/projections.js';
import type { OrtTensor } from '../ort/tensor.js';
import { checkFit } from './lora-fit.js';
import {
  emptyMatrices,
  fill,
  type LoraMatrices,
  type LoraPacking,
  rankOf,
  resize,
} from './lora-matrices.js';

export class LoraInputs {
  /** Content hash of the adapter that is in, or null. */
  hash: string | null = null;
  private readonly spec: DecoderSpec;
  private readonly modules: ReadonlySet<string>;
  private readonly matrices: readonly LoraMatrices[];
  private readonly packing: LoraPacking | null;

  /** @throws InputError when a module is none of the model's, or a parameter of experts without our own operators. */
  constructor(
    spec: DecoderSpec,
    loraModules: Iterable<string>,
    packing: LoraPacking | null = null,
  ) {
    this.spec = spec;
    this.packing = packing;
    this.modules = new Set(loraModules);
    const known = new Set(adaptable(spec).map(({ module }) => module));
    for (const module of this.modules) {
      if (packing === null && isParameter(module)) {
        throw new InputError({
          where: 'rollout',
          problem: `the adapter has LoRA on experts ("${module}"), which ONNX Runtime's own operators do not take`,
          remedy: "Sample on the CPU with Lorikeet's operators, which lorikeet setup compiles",
        });
      }
      if (!known.has(module)) {
        throw new InputError({
          where: 'loraModules',
          problem: `the model has no linear "${module}"`,
        });
      }
    }
    const projections = packing === null ? allProjections(spec) : allMergedProjections(spec);
    this.matrices = projections
      .filter(({ parts }) => parts.some(({ module }) => this.modules.has(module)))
      .map((projection) => emptyMatrices(projection, 0, packing));
  }

  /**
   * Takes over an adapter, or none.
   * @param version becomes `hash`; the adapter's content hash when absent
   * @returns whether the inputs are other tensors now, so that they must be bound anew
   * @throws InputError when the adapter does not fit the model or the modules with LoRA inputs
   */
  write(adapter: Adapter | null, version?: string): boolean {
    if (adapter !== null) checkFit(adapter, { spec: this.spec, modules: this.modules });
    let isReshaped = false;
    for (const each of this.matrices) {
      const rank = rankOf(adapter, each.projection);
      if (rank !== each.rank) {
        resize(each, rank, this.packing);
        isReshaped = true;
      }
      if (adapter !== null && rank > 0) fill(each, adapter, this.packing);
    }
    this.hash = adapter === null ? null : (version ?? adapterHash(adapter));
    return isReshaped;
  }

  /** Every input by name. */
  inputs(): Map<string, OrtTensor> {
    const inputs = new Map<string, OrtTensor>();
    for (const { projection, a, b } of this.matrices) {
      inputs.set(loraA(projection.name), a);
      inputs.set(loraB(projection.name), b);
    }
    return inputs;
  }

  dispose(): void {
    for (const { a, b } of this.matrices) {
      a.dispose();
      b.dispose();
    }
  }
}
