/** What depends on a batch alone: its indices, positions, rotary tables, and who sees whom. */
import {
  type ChunkLayout,
  type DenseLayout,
  deviceInfo,
  indicesOnDevice,
  type RotaryTable,
  Rotation,
  type Tensor,
  type TokenLayout,
  tf,
} from '../tensor/index.js';
import { InputError } from '../util/errors.js';
import { ropeTables } from '../util/rope-tables.js';
import { chunkLayout, disposeChunks } from './chunk-layout.js';
import { bandLength, denseLayout } from './dense-layout.js';
import type { DecoderSpec, RopeSpec } from './spec.js';
import { longestSequence, runBases, type TokenBatch, tokensBefore } from './token-batch.js';

export interface BatchGeometry extends TokenLayout {
  /** One per entry of `spec.ropes`. */
  readonly rotations: readonly Rotation[];
  /** The batch's own indices, int32: `[T]`, `[M]`, `[M]`. */
  readonly ids: Tensor;
  readonly predictors: Tensor;
  readonly targets: Tensor;
  dispose(): void;
}

function rotaryTable(rope: RopeSpec, length: number): RotaryTable {
  const { cos, sin, shape } = ropeTables(rope, length);
  const kept = (values: Float32Array) => tf.keep(tf.tensor2d(values, shape));
  return { cos: kept(cos), sin: kept(sin), rotatesNeighbours: rope.rotatesNeighbours };
}

/** Makes the geometry of batches; keeps the rotary tables of the longest sequence so far. */
export class GeometryMaker {
  private readonly spec: DecoderSpec;
  private tables: readonly RotaryTable[] = [];
  private length = 0;

  constructor(spec: DecoderSpec) {
    this.spec = spec;
  }

  /**
   * The caller disposes what it gets; its rotations are valid until the next call.
   * @throws InputError when the ropes do not hold for so long a sequence.
   */
  of(batch: TokenBatch): BatchGeometry {
    const { runs } = batch;
    const longest = longestSequence(batch);
    this.growTables(longest);
    const band = bandLength({
      heads: this.spec.numHeads,
      keys: runs.length * longest,
      isOnGpu: deviceInfo().device === 'cuda',
    });
    const bases = runBases(runs);
    const positions = runs.flatMap(({ length }, i) =>
      Array.from({ length }, (_, t) => bases[i]! + t),
    );
    const segments = runs.flatMap(({ start, length, prefix }) => [start, length, prefix]);
    const keptIndices = (values: Int32Array) => tf.keep(indicesOnDevice(values));
    const own = {
      positions: keptIndices(Int32Array.from(positions)),
      segments: tf.keep(tf.tensor2d(segments, [runs.length, 3], 'int32')),
      ids: keptIndices(batch.ids),
      predictors: keptIndices(batch.predictors),
      targets: keptIndices(batch.targets),
    };
    const rotations = this.tables.map((table) => new Rotation(table, own.positions));
    const layouts = new Map<number | null, DenseLayout>();
    const befores = new Map<number, Tensor>();
    let chunks: ChunkLayout | null = null;
    return {
      ...own,
      rotations,
      before(distance) {
        const known = befores.get(distance);
        if (known !== undefined) return known;
        const made = tf.keep(indicesOnDevice(tokensBefore(runs, distance)));
        befores.set(distance, made);
        return made;
      },
      chunks() {
        chunks ??= chunkLayout(runs);
        return chunks;
      },
      dense(window) {
        const known = layouts.get(window);
        if (known !== undefined) return known;
        const made = denseLayout(runs, { window, band });
        layouts.set(window, made);
        return made;
      },
      dispose() {
        tf.dispose(own);
        for (const rotation of rotations) rotation.dispose();
        for (const { queryTokens, keyTokens, places, bands } of layouts.values()) {
          const indices = [queryTokens, keyTokens, places].filter((tensor) => tensor !== null);
          tf.dispose([...indices, ...bands.map(({ mask }) => mask)]);
        }
        layouts.clear();
        for (const tensor of befores.values()) tensor.dispose();
        befores.clear();
        if (chunks !== null) disposeChunks(chunks);
        chunks = null;
      },
    };
  }

  private growTables(length: number): void {
    for (const { maxLength = length } of this.spec.ropes) {
      if (length <= maxLength) continue;
      throw new InputError({
        problem: `a sequence has ${length} tokens, and the checkpoint's rope_scaling is computed up to ${maxLength}`,
        remedy: 'Lower max_length',
      });
    }
    if (length <= this.length) return;
    this.dispose();
    this.length = length;
    this.tables = this.spec.ropes.map((rope) => rotaryTable(rope, length));
  }

  dispose(): void {
    for (const { cos, sin } of this.tables) tf.dispose([cos, sin]);
    this.tables = [];
    this.length = 0;
  }
}
