/** An output of a graph that stays in the device's memory, for another graph to read. */
import { elementCount } from '../../util/shape.js';
import type { IoBinding, OrtSession } from '../ort/session.js';
import type { OrtTensor } from '../ort/tensor.js';

/** Memory that grows, and the tensor over its beginning that is bound at present. */
export class DeviceOutput {
  private readonly name: string;
  private readonly session: OrtSession;
  private buffer: OrtTensor | undefined;
  private view: OrtTensor | undefined;

  constructor(name: string, session: OrtSession) {
    this.name = name;
    this.session = session;
  }

  get tensor(): OrtTensor {
    return this.view!;
  }

  shapeOutput(binding: IoBinding, shape: readonly number[]): void {
    if (!this.view?.shape.every((size, i) => size === shape[i])) this.reshape(shape);
    binding.bindOutput(this.name, this.tensor);
  }

  dispose(): void {
    this.view?.dispose();
    this.buffer?.dispose();
  }

  private reshape(shape: readonly number[]): void {
    const size = elementCount(shape);
    this.view?.dispose();
    if ((this.buffer?.shape[0] ?? 0) < size) {
      this.buffer?.dispose();
      this.buffer = this.session.deviceTensor([size], 'float32');
    }
    this.view = this.session.deviceView(this.buffer!, shape, 'float32');
  }
}
