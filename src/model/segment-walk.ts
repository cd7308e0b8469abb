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

/** The same with the layers. */
export interface Pass extends EndPass {
  readonly layer: (x: Tensor, index: number) => Tensor;
  /** Layers with hand-written gradients; null where a tape takes each operation. */
  readonly fused: ((index: number) => FusedLayer) | null;
}

export interface SegmentWalkOptions {
  readonly spec: DecoderSpec;
  readonly ends: PolicyEnds;
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

interface SegmentEnds {
  /** Its input; null for the first, which begins with the embedding. */
  readonly x: Tensor | null;
  /** The gradient to its output; null for the last, whose output is the loss. */
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
      const x = starts[index]!;
      const outcome = this.segmentGradients(segment, { x, dy: dx }, walked);
      for (const [name, grad] of outcome.parameters) {
        const known = grads.get(name);
        grads.set(name, known === undefined ? grad : known.add(grad));
      }
      dx?.dispose();
      dx = outcome.dx;
      x?.dispose();
    }
    return grads;
  }

  /** The input of every segment, computed without a tape; null for the first. */
  private starts(pass: Pass): (Tensor | null)[] {
    const starts: (Tensor | null)[] = [null];
    for (const segment of this.segments.slice(0, -1)) {
      starts.push(this.forward(segment, starts.at(-1)!, pass));
    }
    return starts;
  }

  private forward({ from, to }: Segment, start: Tensor | null, pass: Pass): Tensor {
    return tf.tidy(() => {
      let x = start ?? this.options.ends.embed(pass);
      for (let layer = from; layer < to; layer++) x = pass.layer(x, layer);
      return start === x ? x.clone() : x;
    });
  }

  private segmentGradients(
    segment: Segment,
    { x, dy }: SegmentEnds,
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
}
