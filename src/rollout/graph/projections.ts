/**
 * The linear maps of a layer as the graph computes them: modules that read the same input are stacked into
 * one matrix where the next operator takes it in one piece, and modules that the checkpoint stores as one
 * are cut where it does not.
 */
import type { DecoderSpec } from '../../model/spec.js';
import { expertParameters } from '../../model/spec-experts.js';
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
  /** Of so many experts, each of which maps so; their adapters stand one below the other. Absent: it is one map. */
  readonly experts?: number;
  /** Of those the rows of gate and up take turns in B; default: gates come first. */
  readonly inTurns?: boolean;
}

export interface LayerProjections {
  /** One projection with all that mixes tokens side by side; or queries (with their gates), keys and values apart. */
  readonly mixerIn: readonly Projection[];
  readonly mixerOut: Projection;
  /** Null where experts stand in its place; its gate where it has none. */
  readonly mlp: {
    readonly gate: Projection | null;
    readonly up: Projection;
    readonly down: Projection;
  } | null;
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
  const { mlp, ...mixer } = linearGroups(spec, layer);
  return {
    ...mixerProjections(spec, layer, mixer),
    mlp: mlp === null ? null : mlpProjections(spec, layer, mlp),
  };
}

function mlpProjections(
  spec: DecoderSpec,
  layer: number,
  { gateUp, down }: NonNullable<LinearGroups['mlp']>,
): NonNullable<LayerProjections['mlp']> {
  const { hiddenSize: hidden, intermediateSize: inner } = spec;
  const prefix = `layers.${layer}`;
  const [first] = gateUp;
  const parts = spec.fusedProjections.gateUp
    ? [rowsOf(first!, 0, inner), rowsOf(first!, inner, inner)]
    : gateUp.map(whole);
  const up = parts.pop()!;
  const [gate] = parts;
  return {
    gate: gate === undefined ? null : projection(`${prefix}.gate`, hidden, [gate]),
    up: projection(`${prefix}.up`, hidden, [up]),
    down: projection(`${prefix}.down`, inner, [whole(down)]),
  };
}

function mixerProjections(
  spec: DecoderSpec,
  layer: number,
  { mixerIn, mixerOut }: Omit<LinearGroups, 'mlp'>,
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
  const parts = spec.fusedProjections.qkv
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
  /** Null where experts stand in its place. */
  readonly mlp: Readonly<Record<'gateUp' | 'down', Projection>> | null;
}

export function mergedProjections(spec: DecoderSpec, layer: number): MergedProjections {
  const { mixerIn, mixerOut, mlp } = layerProjections(spec, layer);
  const prefix = `layers.${layer}`;
  const { hiddenSize } = spec;
  const [only, ...others] = mixerIn;
  const parts = mixerIn.flatMap((each) => each.parts);
  return {
    mixerIn: others.length === 0 ? only! : projection(`${prefix}.qkv`, hiddenSize, parts),
    mixerOut,
    mlp:
      mlp === null
        ? null
        : {
            gateUp: mlp.gate === null ? mlp.up : sideBySide(`${prefix}.gate_up`, mlp.gate, mlp.up),
            down: mlp.down,
          },
  };
}

/** A gate and what it gates as one. */
function sideBySide(name: string, gate: Projection, up: Projection): Projection {
  const parts = [...gate.parts, ...up.parts];
  return { ...projection(name, gate.inFeatures, parts), isGated: true };
}

/** Of the experts of a layer, as the adapter knows them. */
export function expertProjections(
  spec: DecoderSpec,
  layer: number,
): Readonly<Record<'gateUp' | 'down', Projection>> {
  const [gateUp, down] = expertParameters(spec, layer).map((parameter) => ({
    ...projection(parameter.module, parameter.inFeatures, [whole({ ...parameter, bias: false })]),
    experts: parameter.count,
    inTurns: parameter.inTurns,
  }));
  return { gateUp: { ...gateUp!, isGated: true }, down: down! };
}

export function allMergedProjections(spec: DecoderSpec): Projection[] {
  return spec.layers.flatMap((_, layer) => {
    const { mixerIn, mixerOut, mlp } = mergedProjections(spec, layer);
    return [mixerIn, mixerOut, ...Object.values(mlp ?? expertProjections(spec, layer))];
  });
}

export function allProjections(spec: DecoderSpec): Projection[] {
  return spec.layers.flatMap((_, layer) => {
    const { mixerIn, mixerOut, mlp } = layerProjections(spec, layer);
    return [...mixerIn, mixerOut, ...Object.values(mlp ?? {}).filter((each) => each !== null)];
  });
}
