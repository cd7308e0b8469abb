/**
 * The reverse pass over segments of layers. All segments but the last are computed forward without a tape and
 * recomputed in the backward pass (activation checkpointing, Chen et al. 2016); the last one runs with the head
 * and the loss on one tape. One segment means no recomputation.
 */
import { type Tensor, tf } from '../tensor/index.js';
import type { FusedLayer } from './fused/index.js';
import type { EndPass, PolicyEnds } from './policy-ends.js';
import { type Segment, segmentParameters, segmentsOf } from './segments.js';
import type { DecoderSpec } from './spec.js';

/** A batch with its geometry, seen with certain parameters. */
export interface Pass extends EndPass {
  readonly layer: (x: Tensor, index: number) => Tensor;
  /** Layers with hand-written gradients; null where the tape takes each operation. */
  readonly fused: ((index: number) => FusedLayer) | null;
}

export interface SegmentWalkOptions {
  readonly spec: DecoderSpec;
  readonly ends: PolicyEnds;
  /** Whether layers have hand-written gradients. */
  readonly isFused: boolean;
  /** Of the trained parameters. */
  readonly names: readonly string[];
  /** Layers that are recomputed in the backward pass, counted from the first. */
  readonly checkpointedLayers: number;
}

/** What is walked over. */
export interface Walked {
  /** @param traced Tensors that stand for parameters on a tape. */
  readonly pass: (traced?: ReadonlyMap<string, Tensor>) => Pass;
  /** The trained parameters by name. */
  readonly parameters: () => Pick<ReadonlyMap<string, Tensor>, 'get'>;
  /** Hidden states `[T, H]` → the loss. */
  readonly finish: (hidden: Tensor, pass: Pass) => Tensor;
}

/** What a segment's gradient starts from. */
interface SegmentStart {
  /** Its input; null for the first segment, which begins with the embedding. */
  readonly x: Tensor | null;
  /** What a fused layer wants to have kept. */
  readonly kept: readonly Tensor[];
}

/** A segment's start, and the gradient to its output: null for the last, whose output is the loss. */
interface SegmentEnds extends SegmentStart {
  readonly dy: Tensor | null;
}

interface SegmentGradients {
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** To the segment's input; null for the first. */
  readonly dx: Tensor | null;
}

export class SegmentWalk {
  private readonly options: SegmentWalkOptions;
  private readonly segments: readonly Segment[];

  constructor(options: SegmentWalkOptions) {
    this.options = options;
    this.segments = segmentsOf(options.spec.layers.length, options.checkpointedLayers);
  }

  /** The gradient of the loss to each trained parameter that it depends on. To be called in a `tf.tidy`. */
  gradients(walked: Walked): Map<string, Tensor> {
    const grads = new Map<string, Tensor>();
    const starts = this.starts(walked.pass());
    let dx: Tensor | null = null;
    for (const [index, segment] of [...this.segments.entries()].reverse()) {
      const start = starts[index]!;
      const outcome = this.segmentGradients(segment, { ...start, dy: dx }, walked);
      for (const [name, grad] of outcome.parameters) {
        const known = grads.get(name);
        grads.set(name, known === undefined ? grad : known.add(grad));
      }
      dx?.dispose();
      dx = outcome.dx;
      start.x?.dispose();
      tf.dispose([...start.kept]);
    }
    return grads;
  }

  /** What every segment starts from, computed without a tape. */
  private starts(pass: Pass): SegmentStart[] {
    const starts: SegmentStart[] = [];
    let x: Tensor | null = null;
    for (const segment of this.segments.slice(0, -1)) {
      const { y, kept } = this.forward(segment, x, pass);
      starts.push({ x, kept });
      x = y;
    }
    return [...starts, { x, kept: [] }];
  }

  private forward(
    { from, to }: Segment,
    start: Tensor | null,
    pass: Pass,
  ): { readonly y: Tensor; readonly kept: readonly Tensor[] } {
    const [y, ...kept] = tf.tidy(() => {
      const x = start ?? this.options.ends.embed(pass);
      if (pass.fused !== null) {
        const outcome = pass.fused(from).forward(x);
        return [outcome.y, ...outcome.kept];
      }
      let last = x;
      for (let layer = from; layer < to; layer++) last = pass.layer(last, layer);
      return [start === last ? last.clone() : last];
    });
    return { y: y!, kept };
  }

  private segmentGradients(
    segment: Segment,
    { dy, ...start }: SegmentEnds,
    walked: Walked,
  ): SegmentGradients {
    if (this.options.isFused && dy !== null) {
      return this.fusedGradients(segment, { ...start, dy }, walked.pass());
    }
    return this.tapedGradients(segment, { x: start.x, dy }, walked);
  }

  private tapedGradients(
    segment: Segment,
    { x, dy }: Pick<SegmentEnds, 'x' | 'dy'>,
    { pass: passOf, parameters, finish }: Walked,
  ): SegmentGradients {
    const { names: all, spec, ends } = this.options;
    const names = segmentParameters(all, segment, spec);
    const values = parameters();
    const run = (...tensors: Tensor[]): Tensor => {
      const traced = new Map(names.map((name, i) => [name, tensors[i + (x === null ? 0 : 1)]!]));
      const pass = passOf(traced);
      let y = x === null ? ends.embed(pass) : tensors[0]!;
      for (let layer = segment.from; layer < segment.to; layer++) y = pass.layer(y, layer);
      return dy === null ? finish(y, pass) : y;
    };
    const inputs = names.map((name) => values.get(name)!);
    if (x !== null) inputs.unshift(x);
    if (inputs.length === 0) return { parameters: new Map(), dx: null };
    const grads = tf.tidy(() => tf.grads(run)(inputs, dy ?? undefined));
    const dx = x === null ? null : grads.shift()!;
    return { parameters: new Map(names.map((name, i) => [name, grads[i]!])), dx };
  }

  /** Of one fused layer. What fused layers train is LoRA alone, so nothing goes to the embedding. */
  private fusedGradients(
    { from }: Segment,
    { x, kept, dy }: SegmentStart & { readonly dy: Tensor },
    pass: Pass,
  ): SegmentGradients {
    const layer = pass.fused!(from);
    const [dx, ...gradients] = tf.tidy(() =>
      layer.gradient({ x: x ?? this.options.ends.embed(pass), kept, dy }),
    );
    if (x === null) dx!.dispose();
    const names = layer.parameterNames;
    return {
      parameters: new Map(names.map((name, i) => [name, gradients[i]!])),
      dx: x === null ? null : dx!,
    };
  }
}
