/**
 * One way through the session: a binding with its own cache, inputs and outputs. The engine keeps one for
 * prompts and one for decoding. Tensors are made anew only when the shape of a run changes.
 */
import type { DecoderSpec } from '../../model/spec.js';
import { type CacheTensor, cacheTensors, stateLength } from '../graph/cache-tensors.js';
import {
  BATCH_SHAPE,
  INPUT_IDS,
  INVERSE_TEMPERATURE,
  PROBABILITIES,
  ROWS,
  SCORES,
  SEQLENS_K,
  STARTED,
  STATE_ROWS,
  TOTAL_LENGTH,
} from '../graph/names.js';
import type { IoBinding, OrtSession } from '../ort/session.js';
import type { OrtTensor } from '../ort/tensor.js';
import { Port } from './port.js';
import type { CacheGeometry, RowCache } from './row-cache.js';
import { RowOutput } from './row-output.js';

/** Sizes of a run: rows, tokens a row, rows of logits. */
export interface RunShape {
  readonly batch: number;
  readonly tokens: number;
  readonly wanted: number;
}

export interface LaneOptions {
  readonly session: OrtSession;
  readonly spec: DecoderSpec;
  /** What is kept of the rows' past. The lane disposes it. */
  readonly cache: RowCache;
  /**
   * Fewest rows that a matrix product gets. 2 where there are adapter inputs: a single row times a matrix
   * that is no constant goes another way in ONNX Runtime's CPU kernels and comes out other in the last bits,
   * so that a completion made alone would not be the same as in a batch.
   */
  readonly minRows?: number;
  /** Whether the graph is made of our own operators. */
  readonly isNative?: boolean;
}

export class Lane {
  readonly cache: RowCache;
  private readonly session: OrtSession;
  private readonly spec: DecoderSpec;
  private readonly minRows: number;
  private readonly isNative: boolean;
  private readonly layout: readonly CacheTensor[];
  /** Inputs that the states of the model hold; null where it has none. */
  private readonly kept: number | null;
  private readonly binding: IoBinding;
  private readonly inputIds = new Port(INPUT_IDS, Int32Array);
  private readonly seqlensK = new Port(SEQLENS_K, Int32Array);
  private readonly totalLength = new Port(TOTAL_LENGTH, Int32Array);
  private readonly batchShape = new Port(BATCH_SHAPE, BigInt64Array);
  private readonly stateRows = new Port(STATE_ROWS, BigInt64Array);
  private readonly started = new Port(STARTED, Float32Array);
  private readonly wantedRows = new Port(ROWS, Int32Array);
  private readonly inverseTemperature = new Port(INVERSE_TEMPERATURE, Float32Array);
  private readonly allScores: RowOutput;
  private readonly allProbabilities: RowOutput;
  private cacheTensors: OrtTensor[] = [];
  /** Tokens of each row of the run; the rest of the row is padding. */
  lengths = new Int32Array(0);
  private tokens = 0;
  /** Rows bound; the last may be there for `minRows` only. */
  private boundRows = 0;

  constructor({ session, spec, cache, minRows = 1, isNative = false }: LaneOptions) {
    this.session = session;
    this.spec = spec;
    this.cache = cache;
    this.minRows = minRows;
    this.isNative = isNative;
    this.layout = cacheTensors(spec);
    this.kept = stateLength(spec);
    this.binding = session.createBinding();
    this.allScores = new RowOutput(SCORES, session);
    this.allProbabilities = new RowOutput(PROBABILITIES, session);
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
    return this.allScores.row(i);
  }

  /** Softmax of `scores(i)`. */
  probabilities(i: number): Float32Array {
    return this.allProbabilities.row(i);
  }

  /** Scores of all wanted rows [N, V], wherever they are. */
  get scoreTensor(): OrtTensor {
    return this.allScores.tensor;
  }

  /** Softmax of `scoreTensor`. */
  get probabilityTensor(): OrtTensor {
    return this.allProbabilities.tensor;
  }

  /** Where scores and probabilities of the runs from now on go; on the CPU there is only the host. */
  keepOutputs(place: 'host' | 'device'): void {
    this.allScores.place = place;
    this.allProbabilities.place = place;
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
    this.inputIds.shapeInput(this.binding, [rows, tokens]);
    this.seqlensK.shapeInput(this.binding, [rows]);
    if (!this.isNative) this.totalLength.shapeInput(this.binding, [1]);
    if (this.readsBatchShape) this.shapeForMixers(rows, tokens);
    if (this.kept !== null) this.shapeForStates(rows, this.kept);
    this.tokens = tokens;
    if (this.lengths.length < rows) this.lengths = new Int32Array(rows);
    this.lengths.fill(tokens, 0, rows);
    this.wantedRows.shapeInput(this.binding, [logits]);
    this.inverseTemperature.shapeInput(this.binding, [logits, 1]);
    const shape = [logits, this.spec.vocabSize] as const;
    this.allScores.shape(this.binding, shape);
    this.allProbabilities.shape(this.binding, shape);
    this.ids.fill(0, batch * tokens, rows * tokens);
    this.lastPositions.fill(0, batch, rows);
    this.rows.fill(0, wanted, logits);
  }

  /**
   * Runs the graph on what the arrays hold.
   * @param inverseTemperature factor of the logits, one for all or one for each wanted row
   */
  async run(inverseTemperature: number | readonly number[]): Promise<void> {
    if (!this.isNative) this.totalLength.data[0] = this.longestRow();
    if (this.kept !== null) this.fillStates(this.kept);
    const factors = this.inverseTemperature.data;
    if (typeof inverseTemperature === 'number') factors.fill(inverseTemperature);
    else factors.fill(1).set(inverseTemperature);
    await this.cache.settle();
    if (this.session.device !== 'cpu')
      for (const port of this.inputs()) port.bindInput(this.binding);
    await this.session.run(this.binding);
  }

  dispose(): void {
    this.binding.dispose();
    for (const port of [...this.inputs(), this.allScores, this.allProbabilities]) port.dispose();
    for (const tensor of this.cacheTensors) tensor.dispose();
    this.cache.dispose();
  }

  private inputs() {
    const { inputIds, seqlensK, totalLength, batchShape, wantedRows, inverseTemperature } = this;
    const attention = this.isNative ? [] : [totalLength];
    const shape = this.readsBatchShape ? [batchShape] : [];
    const states = this.kept === null ? [] : [this.stateRows, this.started];
    return [inputIds, seqlensK, ...attention, ...shape, ...states, wantedRows, inverseTemperature];
  }

  private longestRow(): number {
    let total = 0;
    for (let row = 0; row < this.boundRows; row++) {
      total = Math.max(total, this.lastPositions[row]! + 1);
    }
    return total;
  }

  /** Our own attention knows the shape from its other inputs. */
  private get readsBatchShape(): boolean {
    return !this.isNative || this.kept !== null;
  }

  private shapeForStates(rows: number, kept: number): void {
    this.stateRows.shapeInput(this.binding, [rows, kept, 1]);
    this.started.shapeInput(this.binding, [rows, 1, 1]);
  }

  /** A state is what the last tokens of a row leave, not the padding behind them. */
  private fillStates(kept: number): void {
    for (let row = 0; row < this.boundRows; row++) {
      const length = this.lengths[row]!;
      for (let i = 0; i < kept; i++) this.stateRows.data[row * kept + i] = BigInt(length + i);
      this.started.data[row] = this.lastPositions[row]! >= this.tokens ? 1 : 0;
    }
  }

  private shapeForMixers(rows: number, tokens: number): void {
    this.batchShape.shapeInput(this.binding, [3]);
    this.batchShape.data[0] = BigInt(rows);
    this.batchShape.data[1] = BigInt(tokens);
    this.batchShape.data[2] = -1n;
  }

  private bindCache(rows: number): void {
    const former = this.cacheTensors;
    this.cacheTensors = this.cache.tensors(rows);
    for (const [i, { past, present, kind }] of this.layout.entries()) {
      const tensor = this.cacheTensors[i]!;
      this.binding.bindInput(past, tensor);
      // Our own attention writes into its inputs.
      if (!this.isNative || kind === 'state') this.binding.bindOutput(present, tensor);
    }
    for (const tensor of former) tensor.dispose();
    this.boundRows = rows;
  }
}
