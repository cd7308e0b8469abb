/**
 * The reverse pass over layers with hand-written gradients; of the rest, only the head and the loss are on a tape. LoRA
 * is all that such layers train, so that nothing goes to the embedding.
 */
import { type Tensor, tf } from '../tensor/index.js';
import type { FusedLayer, LayerKept } from './fused/index.js';
import type { PolicyEnds } from './policy-ends.js';
import type { Walked } from './segment-walk.js';

export interface FusedWalkOptions {
  readonly ends: PolicyEnds;
  readonly layers: number;
  /** Layers that keep attention alone and compute the rest again, counted from the first; never the last. */
  readonly checkpointedLayers: number;
}

interface Step {
  readonly layer: FusedLayer;
  readonly x: Tensor;
  readonly kept: LayerKept;
}

export class FusedWalk {
  private readonly options: FusedWalkOptions;

  constructor(options: FusedWalkOptions) {
    this.options = options;
  }

  /** The gradient of the loss to each LoRA matrix, as it is taken. To be called in a `tf.tidy`. */
  gradients({ pass: passOf, finish }: Walked): Map<string, Tensor> {
    const { ends, layers, checkpointedLayers } = this.options;
    const pass = passOf();
    const steps: Step[] = [];
    let x = tf.tidy(() => ends.embed(pass));
    for (let index = 0; index < layers; index++) {
      const layer = pass.fused!(index);
      const keepsAll = index === layers - 1 || index >= checkpointedLayers;
      const { y, kept } = layer.forward(x, { keepsAll });
      steps.push({ layer, x, kept });
      x = y;
    }
    const grads = new Map<string, Tensor>();
    let dy = tf.tidy(() => tf.grad((hidden) => finish(hidden, pass))(x));
    x.dispose();
    for (const step of steps.reverse()) {
      const [dx, ...parts] = step.layer.gradient({ ...step, dy });
      for (const [i, name] of step.layer.parameterNames.entries()) grads.set(name, parts[i]!);
      tf.dispose([dy, step.x, step.kept as never]);
      dy = dx!;
    }
    dy.dispose();
    return grads;
  }
}
