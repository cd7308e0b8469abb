/**
 * The linear maps of a layer as the graph computes them: modules that read the same input are stacked into
 * one matrix where the next operator takes it in one piece, and modules that the checkpoint stores as one
 * are cut where it does not.
 */

import type { DecoderSpec } from '../../model/spec.js';
import { type LinearGroups, type LinearModule, linearGroups } from '../../model/spec-modules.js';

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
  /** One projection with all that mixes tokens side by side; or queries (with their gates), keys and values apart. */
  readonly mixerIn: readonly Projection[];
  readonly mixerOut: Projection;
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
  const groups = linearGroups(spec, layer);
  const { hiddenSize: hidden, intermediateSize: inner } = spec;
  const prefix = `layers.${layer}`;
  const [first, second] = groups.gateUp;
  const [gate, up] =
    second === undefined
      ? [rowsOf(first!, 0, inner), rowsOf(first!, inner, inner)]
      : [whole(first!), whole(second)];
  return {
    ...mixerProjections(spec, layer, groups),
    gate: projection(`${prefix}.gate`, hidden, [gate]),
    up: projection(`${prefix}.up`, hidden, [up]),
    down: projection(`${prefix}.down`, inner, [whole(groups.down)]),
  };
}

function mixerProjections(
  spec: DecoderSpec,
  layer: number,
  { mixerIn, mixerOut }: LinearGroups,
): Pick<LayerProjections, 'mixerIn' | 'mixerOut'> {
  const prefix = `layers.${layer}`;
  const outOf = (name: string) =>
    projection(`${prefix}.${name}`, mixerOut.inFeatures, [whole(mixerOut)]);
  if (spec.layers[layer]!.mixer === 'attention') {
    return { mixerIn: attentionInputs(spec, layer, mixerIn), mixerOut: outOf('o') };
  }
  const kind = spec.layers[layer]!.mixer === 'short_conv' ? 'conv' : 'delta';
  const input = projection(`${prefix}.${kind}_in`, spec.hiddenSize, mixerIn.map(whole));
  return { mixerIn: [input], mixerOut: outOf(`${kind}_out`) };
}

/** Norms on queries and keys, or gates, come between projection and attention, which then needs the three apart. */
function attentionInputs(
  spec: DecoderSpec,
  layer: number,
  modules: readonly LinearModule[],
): Projection[] {
  const prefix = `layers.${layer}`;
  const queries = spec.numHeads * spec.headDim;
  const keys = spec.numKvHeads * spec.headDim;
  const [first] = modules;
  const parts = spec.fusedProjections
    ? [
        rowsOf(first!, 0, queries),
        rowsOf(first!, queries, keys),
        rowsOf(first!, queries + keys, keys),
      ]
    : modules.map(whole);
  const isWhole = spec.qkNorm === 'none' && !spec.attentionGate;
  if (isWhole) return [projection(`${prefix}.qkv`, spec.hiddenSize, parts)];
  return parts.map((part, i) =>
    projection(`${prefix}.${'qkv'.charAt(i)}`, spec.hiddenSize, [part]),
  );
}

/** Projections of a layer where all modules with the same input are one. */
export interface MergedProjections {
  readonly mixerIn: Projection;
  readonly mixerOut: Projection;
  readonly gateUp: Projection;
  readonly down: Projection;
}

export function mergedProjections(spec: DecoderSpec, layer: number): MergedProjections {
  const { mixerIn, mixerOut, gate, up, down } = layerProjections(spec, layer);
  const prefix = `layers.${layer}`;
  const { hiddenSize } = spec;
  const gateUp = projection(`${prefix}.gate_up`, hiddenSize, [...gate.parts, ...up.parts]);
  const [only, ...others] = mixerIn;
  const parts = mixerIn.flatMap((each) => each.parts);
  return {
    mixerIn: others.length === 0 ? only! : projection(`${prefix}.qkv`, hiddenSize, parts),
    mixerOut,
    gateUp: { ...gateUp, isGated: true },
    down,
  };
}

export function allMergedProjections(spec: DecoderSpec): Projection[] {
  return spec.layers.flatMap((_, layer) => Object.values(mergedProjections(spec, layer)));
}

export function allProjections(spec: DecoderSpec): Projection[] {
  return spec.layers.flatMap((_, layer) => {
    const { mixerIn, mixerOut, gate, up, down } = layerProjections(spec, layer);
    return [...mixerIn, mixerOut, gate, up, down];
  });
}
