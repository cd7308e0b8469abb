/** The frozen base by name. Those that stand together may be held as one: weights of modules that share an input. */
import {
  type ComputeType,
  castTo,
  FourBitWeight,
  joined,
  storedOnDevice,
  type Tensor,
  tf,
} from '../tensor/index.js';
import type { HostTensor } from '../weights/index.js';

/** A tensor of the base on the host. */
export interface BaseTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly value: HostTensor;
}

interface Held {
  /** The same at each call, or made anew of 4 bits. */
  readonly tensor: () => Tensor;
  readonly dispose: () => void;
}

export class FrozenWeights {
  private readonly held = new Map<string, Held>();

  /**
   * Takes one weight, or several of one width as one, each below the one before, under the name of the first.
   * @param type Of what `get` gives
   */
  add(parts: readonly BaseTensor[], type: ComputeType): void {
    const isPacked = parts.some(({ value }) => value.fourBit !== undefined);
    this.held.set(parts[0]!.name, isPacked ? packed(parts, type) : whole(parts, type));
  }

  has(name: string): boolean {
    return this.held.has(name);
  }

  get(name: string): Tensor | undefined {
    return this.held.get(name)?.tensor();
  }

  dispose(): void {
    for (const { dispose } of this.held.values()) dispose();
  }
}

function whole(parts: readonly BaseTensor[], type: ComputeType): Held {
  const tensor = tf.tidy(() => {
    const each = parts.map(({ value }) => castTo(storedOnDevice(value), 'float32', type));
    return tf.keep(joined(each, 0));
  });
  return { tensor: () => tensor, dispose: () => tensor.dispose() };
}

/** They stay in their 4 bits, apart, until they are asked for. */
function packed(parts: readonly BaseTensor[], type: ComputeType): Held {
  const each = parts.map((part): Held => {
    const { name, value } = part;
    if (value.fourBit === undefined) return whole([part], type);
    const shape = part.shape as [number, number];
    const weight = new FourBitWeight(value.fourBit, { name, shape });
    return { tensor: () => weight.values(type), dispose: () => weight.dispose() };
  });
  if (each.length === 1) return each[0]!;
  return {
    tensor: () =>
      tf.tidy(() => {
        const rows = each.map(({ tensor }) => tensor());
        return joined(rows, 0);
      }),
    dispose: () => {
      for (const { dispose } of each) dispose();
    },
  };
}
