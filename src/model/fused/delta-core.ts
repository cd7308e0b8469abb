/** What a layer with a gated delta rule computes between its projections, in float32, for some heads after the others. */
import { castTo, joined, parted, type Tensor, tf } from '../../tensor/index.js';
import { type HeadGroup, headGroups, taken } from '../delta-groups.js';
import { type DeltaInputs, gatedDelta } from '../gated-delta.js';
import type { GatedDeltaLayer } from '../spec.js';
import { convWeights, deltaWeights, deltaWidths, linearGroups } from '../spec-modules.js';
import { inColumns } from './columns.js';
import type { FusedContext } from './fused-source.js';

/** What the rule takes: queries, keys and values as one, z, b and a. */
type Rows = readonly [qkv: Tensor, z: Tensor, b: Tensor, a: Tensor];

/** The rule of some heads. */
class GroupRule {
  readonly group: HeadGroup;
  private readonly context: FusedContext;
  private readonly layer: number;

  constructor(context: FusedContext, layer: number, group: HeadGroup) {
    this.context = context;
    this.layer = layer;
    this.group = group;
  }

  /** @param all Of every head, in the compute type @returns Of these, in float32 */
  private inputsOf(all: Rows): Tensor[] {
    const { qkv, values, heads } = this.group;
    const { compute } = this.context;
    return [qkv, values, heads, heads].map((spans, i) =>
      castTo(taken(all[i]!, spans, 1), compute, 'float32'),
    );
  }

  /** To be called where the gradient still finds the weights that it takes parts of. */
  private get core(): (qkv: Tensor, z: Tensor, b: Tensor, a: Tensor) => Tensor {
    const { spec, geometry } = this.context;
    const { layer, group } = this;
    const { aLog, dtBias, norm } = deltaWeights(layer);
    const { kernel } = convWeights(spec, layer, group.mixer);
    const part = (name: string, spans: HeadGroup['heads']) =>
      [name, taken(this.context.float32(name), spans, 0)] as const;
    const weights = new Map([
      part(kernel, group.qkv),
      part(aLog, group.heads),
      part(dtBias, group.heads),
      [norm, this.context.float32(norm)],
    ]);
    const source = { get: (name: string) => weights.get(name)!, trainable: () => false };
    return (qkv, z, b, a) => {
      const inputs: DeltaInputs = { qkv, z, b, a };
      return gatedDelta(inputs, source, { spec, geometry, layer, mixer: group.mixer });
    };
  }

  /** @returns `[T, values]` in the compute type */
  result(all: Rows): Tensor {
    return tf.tidy(() => {
      const y = this.core(...(this.inputsOf(all) as [Tensor, Tensor, Tensor, Tensor]));
      return castTo(y, 'float32', this.context.compute);
    });
  }

  /** The gradient to queries, keys, values, z, b and a, in the compute type. @param dall Of every head's result */
  gradient(all: Rows, dall: Tensor): Tensor[] {
    const { compute } = this.context;
    return tf.tidy(() => {
      const dy = castTo(taken(dall, this.group.values, 1), compute, 'float32');
      const [dqkv, ...others] = tf.grads(this.core as never)(this.inputsOf(all), dy);
      const apart = parted(dqkv!, deltaWidths(this.group.mixer), 1);
      return [...apart, ...others].map((grad) => castTo(grad, 'float32', compute));
    });
  }
}

export class DeltaCore {
  private readonly rules: readonly GroupRule[];
  /** Columns of the projections' results. */
  private readonly widths: readonly number[];

  /** @param groups Of heads; a divisor of the key heads */
  constructor(
    context: FusedContext,
    { layer, mixer, groups }: { layer: number; mixer: GatedDeltaLayer; groups: number },
  ) {
    const { mixerIn } = linearGroups(context.spec, layer);
    this.widths = mixerIn.map(({ outFeatures }) => outFeatures);
    this.rules = headGroups(mixer, groups).map((group) => new GroupRule(context, layer, group));
  }

  /** @param outputs Of the projections, in the compute type @returns `[T, values]` in the compute type */
  result(outputs: readonly Tensor[]): Tensor {
    return tf.tidy(() => {
      const rows = this.rowsOf(outputs);
      const results = this.rules.map((rule) => rule.result(rows));
      return joined(results, 1);
    });
  }

  /** The gradient to each of the outputs. */
  gradient(outputs: readonly Tensor[], dcore: Tensor): Tensor[] {
    return tf.tidy(() => {
      const rows = this.rowsOf(outputs);
      const grads = this.rules.map((rule) => rule.gradient(rows, dcore));
      const [dq, dk, dv, dz, db, da] = grads[0]!.map((_, i) => grads.map((each) => each[i]!));
      const each = [[...dq!, ...dk!, ...dv!], dz!, db!, da!].map((parts) => joined(parts, 1));
      return inColumns(each, outputs.length, this.widths);
    });
  }

  private rowsOf(outputs: readonly Tensor[]): Rows {
    return inColumns(outputs, this.widths.length, this.widths) as unknown as Rows;
  }
}
