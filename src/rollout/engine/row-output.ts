/** An output of a graph with a row of the vocabulary for each wanted position: on the host, or where a device keeps it. */
import type { IoBinding, OrtSession } from '../ort/session.js';
import type { OrtTensor } from '../ort/tensor.js';
import { DeviceOutput } from './device-output.js';
import { Port } from './port.js';

export class RowOutput {
  /** Where the runs from now on put it. */
  place: 'host' | 'device' = 'host';
  private readonly host: Port<Float32Array>;
  private readonly device: DeviceOutput;
  private rows: Float32Array[] = [];

  constructor(name: string, session: OrtSession) {
    this.host = new Port(name, Float32Array);
    this.device = new DeviceOutput(name, session);
  }

  /** On the host; valid until the next run. */
  row(i: number): Float32Array {
    return this.rows[i]!;
  }

  /** All rows, wherever they are. */
  get tensor(): OrtTensor {
    return this.place === 'host' ? this.host.bound : this.device.tensor;
  }

  shape(binding: IoBinding, [count, length]: readonly [number, number]): void {
    const output = this.place === 'host' ? this.host : this.device;
    output.shapeOutput(binding, [count, length]);
    if (output === this.host && this.rows.length < count)
      this.rows = rowsOf(this.host.data, length);
  }

  dispose(): void {
    this.host.dispose();
    this.device.dispose();
  }
}

/** Views of every whole row that the array holds; the array grows only when there are too few. */
function rowsOf(data: Float32Array, length: number): Float32Array[] {
  const count = data.length / length;
  return Array.from({ length: count }, (_, i) => data.subarray(i * length, (i + 1) * length));
}
