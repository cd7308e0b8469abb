/**
 * One way through the session: a binding with its own cache, inputs and outputs. The engine keeps one for
 * prompts and one for decoding. Tensors are made anew only when the shape of a run changes.
 */
import type { DecoderSpec } from '../../model/spec.js';
import {
  INPUT_IDS,
  INVERSE_TEMPERATURE,
  PROBABILITIES,
  pastKey,
  pastValue,
  presentKey,
  presentValue,
  ROWS,
  SCORES,
  SEQLENS_K,
  TOTAL_LENGTH,
} from '../graph/names.js';
import type { NativeKernels } from '../graph/native-layout.js';
import type { IoBinding, OrtSession } from '../ort/session.js';
import { type OrtTensor, type TensorData, tensorOver } from '../ort/tensor.js';
import { type CacheGeometry, KvCache } from './kv-cache.js';

/** Sizes of a run: rows, tokens a row, rows of logits. */
export interface RunShape {
  readonly batch: number;
  readonly tokens: number;
  readonly wanted: number;
}

type Kind = 'int32' | 'float32';

/** An array that grows, and the tensor over its beginning that is bound at present. */
class Port<Data extends Int32Array | Float32Array> {
  data: Data;
  private tensor: OrtTensor | undefined;
  private readonly kind: Kind;

  constructor(kind: Kind) {
    this.kind = kind;
    this.data = this.allocate(0);
  }

  /** A tensor of `shape` over the array, or null when the present one fits. */
  reshape(shape: readonly number[]): OrtTensor | null {
    const isSame = this.tensor?.shape.every((size, i) => size === shape[i]) ?? false;
    if (isSame) return null;
    const size = shape.reduce((product, dim) => product * dim, 1);
    if (this.data.length < size) this.data = this.allocate(size);
    this.tensor?.dispose();
    this.tensor = tensorOver(this.data.subarray(0, size) as TensorData, shape);
    return this.tensor;
  }

  dispose(): void {
    this.tensor?.dispose();
  }

  private allocate(size: number): Data {
    return (this.kind === 'int32' ? new Int32Array(size) : new Float32Array(size)) as Data;
  }
}

export interface LaneOptions {
  readonly session: OrtSession;
  readonly spec: DecoderSpec;
  /**
   * Fewest rows that a matrix product gets. 2 where there are adapter inputs: a single row times a matrix
   * that is no constant goes another way in ONNX Runtime's CPU kernels and comes out other in the last bits,
   * so that a completion made alone would not be the same as in a batch.
   */
  readonly minRows?: number;
  /** Our own operators, when the graph is made of them. */
  readonly native?: NativeKernels | null;
}

export class Lane {
  readonly cache: KvCache;
  private readonly session: OrtSession;
  private readonly spec: DecoderSpec;
  private readonly minRows: number;
  private readonly isNative: boolean;
  private readonly binding: IoBinding;
  private readonly inputIds = new Port<Int32Array>('int32');
  private readonly seqlensK = new Port<Int32Array>('int32');
  private readonly totalLength = new Port<Int32Array>('int32');
  private readonly wantedRows = new Port<Int32Array>('int32');
  private readonly inverseTemperature = new Port<Float32Array>('float32');
  private readonly allScores = new Port<Float32Array>('float32');
  private readonly allProbabilities = new Port<Float32Array>('float32');
  private cacheTensors: OrtTensor[] = [];
  private scoreRows: Float32Array[] = [];
  private probabilityRows: Float32Array[] = [];
  /** Rows bound; the last may be there for `minRows` only. */
  private boundRows = 0;

  constructor({ session, spec, minRows = 1, native = null }: LaneOptions) {
    this.session = session;
    this.spec = spec;
    this.minRows = minRows;
    this.isNative = native !== null;
    this.cache = new KvCache(spec, native);
    this.binding = session.createBinding();
  }

  /** int32 [batch, tokens] */
  get ids(): Int32Array {
    return this.inputIds.data;
  }

  /** Tokens in each row after the run, less one; int32 [batch]. */
  get lastPositions(): Int32Array {
    return this.seqlensK.data;
  }

  /** Positions in the flattened ids that get logits; int32 [wanted]. */
  get rows(): Int32Array {
    return this.wantedRows.data;
  }

  /** Logits of wanted row `i` over the temperature [V]; valid until the next run. */
  scores(i: number): Float32Array {
    return this.scoreRows[i]!;
  }

  /** Softmax of `scores(i)`. */
  probabilities(i: number): Float32Array {
    return this.probabilityRows[i]!;
  }

  bindLora(inputs: ReadonlyMap<string, OrtTensor>): void {
    for (const [name, tensor] of inputs) this.binding.bindInput(name, tensor);
  }

  /** Lays the cache out; what was in it is lost. */
  shapeCache({ rows, capacity }: CacheGeometry): void {
    this.cache.shape({ rows: Math.max(rows, this.minRows), capacity });
    this.boundRows = 0;
  }

  /** Prepares the arrays for a run of this shape. Call it before writing inputs. */
  shape({ batch, tokens, wanted }: RunShape): void {
    const rows = tokens === 1 ? Math.max(batch, this.minRows) : batch;
    const logits = Math.max(wanted, this.minRows);
    if (rows !== this.boundRows) this.bindCache(rows);
    this.bindInput(INPUT_IDS, this.inputIds.reshape([rows, tokens]));
    this.bindInput(SEQLENS_K, this.seqlensK.reshape([rows]));
    const total = this.totalLength.reshape([1]);
    if (!this.isNative) this.bindInput(TOTAL_LENGTH, total);
    this.bindInput(ROWS, this.wantedRows.reshape([logits]));
    this.bindInput(INVERSE_TEMPERATURE, this.inverseTemperature.reshape([logits, 1]));
    this.bindOutputs(logits);
    this.ids.fill(0, batch * tokens, rows * tokens);
    this.lastPositions.fill(0, batch, rows);
    this.rows.fill(0, wanted, logits);
  }

  /** Runs the graph on what the arrays hold. */
  async run(inverseTemperature: number): Promise<void> {
    let total = 0;
    for (let row = 0; row < this.boundRows; row++) {
      total = Math.max(total, this.lastPositions[row]! + 1);
    }
    this.totalLength.data[0] = total;
    this.inverseTemperature.data.fill(inverseTemperature);
    await this.session.run(this.binding);
  }

  dispose(): void {
    this.binding.dispose();
    const { inputIds, seqlensK, totalLength, wantedRows, inverseTemperature } = this;
    for (const port of [inputIds, seqlensK, totalLength, wantedRows, inverseTemperature]) {
      port.dispose();
    }
    this.allScores.dispose();
    this.allProbabilities.dispose();
    for (const tensor of this.cacheTensors) tensor.dispose();
  }

  private bindInput(name: string, tensor: OrtTensor | null): void {
    if (tensor !== null) this.binding.bindInput(name, tensor);
  }

  private bindCache(rows: number): void {
    const former = this.cacheTensors;
    this.cacheTensors = this.cache.tensors(rows);
    for (const layer of this.spec.layers.keys()) {
      const keys = this.cacheTensors[2 * layer]!;
      const values = this.cacheTensors[2 * layer + 1]!;
      this.binding.bindInput(pastKey(layer), keys);
      this.binding.bindInput(pastValue(layer), values);
      if (this.isNative) continue;
      this.binding.bindOutput(presentKey(layer), keys);
      this.binding.bindOutput(presentValue(layer), values);
    }
    for (const tensor of former) tensor.dispose();
    this.boundRows = rows;
  }

  private bindOutputs(count: number): void {
    const { vocabSize } = this.spec;
    const scores = this.allScores.reshape([count, vocabSize]);
    const probabilities = this.allProbabilities.reshape([count, vocabSize]);
    if (scores === null || probabilities === null) return;
    this.binding.bindOutput(SCORES, scores);
    this.binding.bindOutput(PROBABILITIES, probabilities);
    if (this.scoreRows.length >= count) return;
    this.scoreRows = rowsOf(this.allScores.data, vocabSize);
    this.probabilityRows = rowsOf(this.allProbabilities.data, vocabSize);
  }
}

/** Views of every whole row that the array holds; the array grows only when there are too few. */
function rowsOf(data: Float32Array, length: number): Float32Array[] {
  const count = data.length / length;
  return Array.from({ length: count }, (_, i) => data.subarray(i * length, (i + 1) * length));
}
