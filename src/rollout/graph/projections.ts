/**
 * The linear maps of a layer as the graph computes them: modules that read the same input are stacked into
 * one matrix where the next operator takes it in one piece, and modules that the checkpoint stores as one
 * are cut where it does not.
 */
import { type DecoderSpec, type LinearModule, layerLinears } from '../../model/spec.js';

/** Rows of one module's weight, `[start, start + count)` of its outputs. */
export interface ProjectionPart {
  readonly module: string;
  readonly bias: boolean;
  readonly start: number;
  readonly count: number;
}

/** Name of the projection to the vocabulary. */
export const HEAD = 'head';

export interface Projection {
  /** Unique in the graph, e.g. `layers.0.qkv`. */
  readonly name: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** In order of the outputs. */
  readonly parts: readonly ProjectionPart[];
  /** Outputs are a gate and what it gates, half each. */
  readonly isGated?: boolean;
}

export interface LayerProjections {
  /** One projection with queries, keys and values side by side, or one for each of the three. */
  readonly qkv: readonly Projection[];
  readonly o: Projection;
  readonly gate: Projection;
  readonly up: Projection;
  readonly down: Projection;
}

const whole = ({ module, bias, outFeatures }: LinearModule): ProjectionPart => ({
  module,
  bias,
  start: 0,
  count: outFeatures,
});

function rowsOf(linear: LinearModule, start: number, count: number): ProjectionPart {
  return { module: linear.module, bias: linear.bias, start, count };
}

function projection(name: string, inFeatures: number, parts: ProjectionPart[]): Projection {
  const outFeatures = parts.reduce((sum, { count }) => sum + count, 0);
  return { name, inFeatures, outFeatures, parts };
}

export function layerProjections(spec: DecoderSpec, layer: number): LayerProjections {
  const linears = layerLinears(spec, layer);
  const named = (suffix: string) => linears.find(({ module }) => module.endsWith(suffix))!;
  const { hiddenSize: hidden, intermediateSize: inner } = spec;
  const prefix = `layers.${layer}`;
  const [gate, up] = spec.fusedProjections
    ? [rowsOf(named('.gate_up_proj'), 0, inner), rowsOf(named('.gate_up_proj'), inner, inner)]
    : [whole(named('.gate_proj')), whole(named('.up_proj'))];
  return {
    qkv: attentionInputs(spec, prefix, named),
    o: projection(`${prefix}.o`, spec.numHeads * spec.headDim, [whole(named('.o_proj'))]),
    gate: projection(`${prefix}.gate`, hidden, [gate]),
    up: projection(`${prefix}.up`, hidden, [up]),
    down: projection(`${prefix}.down`, inner, [whole(named('.down_proj'))]),
  };
}

/** Norms on queries and keys come between projection and attention, which then needs the three apart. */
function attentionInputs(
  spec: DecoderSpec,
  prefix: string,
  named: (suffix: string) => LinearModule,
): Projection[] {
  const queries = spec.numHeads * spec.headDim;
  const keys = spec.numKvHeads * spec.headDim;
  const parts = spec.fusedProjections
    ? [
        rowsOf(named('.qkv_proj'), 0, queries),
        rowsOf(named('.qkv_proj'), queries, keys),
        rowsOf(named('.qkv_proj'), queries + keys, keys),
      ]
    : [whole(named('.q_proj')), whole(named('.k_proj')), whole(named('.v_proj'))];
  if (spec.qkNorm === 'none') return [projection(`${prefix}.qkv`, spec.hiddenSize, parts)];
  return parts.map((part, i) =>
    projection(`${prefix}.${'qkv'.charAt(i)}`, spec.hiddenSize, [part]),
  );
}

/** Projections of a layer where all modules with the same input are one. */
export interface MergedProjections {
  readonly qkv: Projection;
  readonly o: Projection;
  readonly gateUp: Projection;
  readonly down: Projection;
}

export function mergedProjections(spec: DecoderSpec, layer: number): MergedProjections {
  const { qkv, o, gate, up, down } = layerProjections(spec, layer);
  const prefix = `layers.${layer}`;
  const { hiddenSize } = spec;
  const gateUp = projection(`${prefix}.gate_up`, hiddenSize, [...gate.parts, ...up.parts]);
  return {
    qkv: projection(
      `${prefix}.qkv`,
      hiddenSize,
      qkv.flatMap(({ parts }) => parts),
    ),
    o,
    gateUp: { ...gateUp, isGated: true },
    down,
  };
}

export function allMergedProjections(spec: DecoderSpec): Projection[] {
  return spec.layers.flatMap((_, layer) => Object.values(mergedProjections(spec, layer)));
}

export function allProjections(spec: DecoderSpec): Projection[] {
  return spec.layers.flatMap((_, layer) => {
    const { qkv, o, gate, up, down } = layerProjections(spec, layer);
    return [...qkv, o, gate, up, down];
  });
}
