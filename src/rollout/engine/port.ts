/** An input or output of a graph in the host's memory. */
import { elementCount } from '../../util/shape.js';
import type { IoBinding } from '../ort/session.js';
import { type HostTensor, tensorOver } from '../ort/tensor.js';

type PortData = Int32Array | Float32Array | Float64Array | BigInt64Array;

/** An array that grows, and the tensor over its beginning that is bound at present. */
export class Port<Data extends PortData> {
  readonly name: string;
  data: Data;
  private tensor: HostTensor | undefined;
  private readonly ArrayOf: new (
    length: number,
  ) => Data;

  /** @param ArrayOf decides the type of the elements */
  constructor(name: string, ArrayOf: new (length: number) => Data) {
    this.name = name;
    this.ArrayOf = ArrayOf;
    this.data = new ArrayOf(0);
  }

  /** Binds a tensor of `shape` over the array, unless one is bound. */
  shapeInput(binding: IoBinding, shape: readonly number[]): void {
    if (this.reshape(shape)) this.bindInput(binding);
  }

  shapeOutput(binding: IoBinding, shape: readonly number[]): void {
    this.reshape(shape);
    binding.bindOutput(this.name, this.bound);
  }

  /** A device holds an input as it was when it was bound. */
  bindInput(binding: IoBinding): void {
    binding.bindInput(this.name, this.bound);
  }

  /** The tensor that is bound. */
  get bound(): HostTensor {
    return this.tensor!;
  }

  dispose(): void {
    this.tensor?.dispose();
  }

  private reshape(shape: readonly number[]): boolean {
    if (this.tensor?.shape.every((size, i) => size === shape[i])) return false;
    const size = elementCount(shape);
    if (this.data.length < size) this.data = new this.ArrayOf(size);
    this.tensor?.dispose();
    this.tensor = tensorOver(this.data.subarray(0, size) as Data, shape);
    return true;
  }
}
