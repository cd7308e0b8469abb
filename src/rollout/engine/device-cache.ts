/**
 * The cache of rows in a device's memory. It stays there from run to run; copies of rows are collected and
 * made by one run of a small graph (graph/row-moves.ts).
 */
import type { DecoderSpec } from '../../model/spec.js';
import { elementCount } from '../../util/shape.js';
import { type CacheTensor, cacheTensors } from '../graph/cache-tensors.js';
import type { ComputeElement } from '../graph/element-type.js';
import {
  FROM_ROWS,
  fromCache,
  movedCache,
  PADS,
  rowMovesGraph,
  TO_ROWS,
  toCache,
} from '../graph/row-moves.js';
import { encodeGraph } from '../onnx/model-files.js';
import { type IoBinding, OrtSession, type SessionOptions } from '../ort/session.js';
import { type OrtTensor, type TensorData, tensorOver } from '../ort/tensor.js';
import type { CacheGeometry, RowCache, RowCopy } from './row-cache.js';

interface Move {
  readonly from: DeviceCache;
  readonly fromRow: number;
  readonly toRow: number;
}

export class DeviceCache implements RowCache {
  private readonly spec: DecoderSpec;
  private readonly mover: RowMover;
  private readonly layout: readonly CacheTensor[];
  /** In the order of the layout; each holds as many elements as `sizes` says, or more. */
  private buffers: OrtTensor[] = [];
  private sizes: readonly number[] = [];
  private rows = 0;
  capacity = 0;
  private moves: Move[] = [];

  constructor(spec: DecoderSpec, mover: RowMover) {
    this.spec = spec;
    this.mover = mover;
    this.layout = cacheTensors(spec);
  }

  shape({ rows, capacity }: CacheGeometry): void {
    this.moves = [];
    this.capacity = capacity;
    this.rows = rows;
    const former = this.sizes;
    const sizes = this.layout.map((tensor, i) => {
      const size = former[i] ?? 0;
      const needed = elements(tensor, rows, capacity);
      if (size >= needed) return size;
      // What is given back stays in the device's arena: few, large steps.
      const longest = elements(tensor, rows, Math.max(capacity, this.spec.maxPositions));
      return Math.min(Math.max(needed, 2 * size), longest);
    });
    if (sizes.every((size, i) => size === former[i])) return;
    this.dispose();
    this.buffers = this.layout.map((tensor, i) =>
      this.mover.session.deviceTensor([sizes[i]!], this.mover.elementOf(tensor)),
    );
    this.sizes = sizes;
  }

  /** @param type What keys and values are called; of one size with that of the cache. */
  tensors(rows = this.rows, type = this.mover.type): OrtTensor[] {
    return this.layout.map((tensor, i) => {
      const shape = [rows, ...tensor.rowShape(this.capacity)];
      const element = this.mover.elementOf(tensor, type);
      return this.mover.session.deviceView(this.buffers[i]!, shape, element);
    });
  }

  copyRow(from: RowCache, { fromRow, toRow }: RowCopy): void {
    if (!(from instanceof DeviceCache))
      throw new Error('DeviceCache: rows of another kind of cache');
    this.moves.push({ from, fromRow, toRow });
  }

  async settle(): Promise<void> {
    while (this.moves.length > 0) {
      const batch = independentMoves(this.moves, this);
      this.moves = this.moves.slice(batch.length);
      await this.mover.move(batch[0]!.from, this, batch);
    }
  }

  dispose(): void {
    for (const buffer of this.buffers) buffer.dispose();
    this.buffers = [];
    this.sizes = [];
  }
}

const elements = ({ rowShape }: CacheTensor, rows: number, capacity: number): number =>
  rows * elementCount(rowShape(capacity));

/** The moves from the first on that can be made at once: out of one cache, none out of a row written before. */
function independentMoves(moves: readonly Move[], target: DeviceCache): Move[] {
  const { from } = moves[0]!;
  const written = new Set<number>();
  const end = moves.findIndex((move) => {
    const depends = move.from !== from || (from === target && written.has(move.fromRow));
    written.add(move.toRow);
    return depends;
  });
  return moves.slice(0, end < 0 ? moves.length : end);
}

/** The session that moves rows; shared by the caches of a sampler. */
export class RowMover {
  readonly session: OrtSession;
  /** Of keys and values in the caches. */
  readonly type: ComputeElement;
  /** Copies keep the bits; `Pad` of the CUDA provider does not know bfloat16. */
  private readonly movedAs: ComputeElement;
  private readonly count: number;

  constructor(spec: DecoderSpec, type: ComputeElement, options: SessionOptions) {
    this.type = type;
    this.movedAs = type === 'bfloat16' ? 'float16' : type;
    const files = encodeGraph(rowMovesGraph(spec, this.movedAs));
    this.session = OrtSession.create(files, options);
    this.count = cacheTensors(spec).length;
  }

  /** @param type What keys and values are called. */
  elementOf({ kind }: CacheTensor, type = this.type): ComputeElement {
    return kind === 'tokens' ? type : 'float32';
  }

  async move(from: DeviceCache, to: DeviceCache, moves: readonly Move[]): Promise<void> {
    const binding = this.session.createBinding();
    const bound = [
      ...bindRows(binding, moves, to.capacity - from.capacity),
      ...this.bindCaches(binding, from, to),
    ];
    try {
      await this.session.run(binding);
    } finally {
      binding.dispose();
      for (const tensor of bound) tensor.dispose();
    }
  }

  dispose(): void {
    this.session.dispose();
  }

  private bindCaches(binding: IoBinding, from: DeviceCache, to: DeviceCache): OrtTensor[] {
    const sources = from.tensors(undefined, this.movedAs);
    const targets = to.tensors(undefined, this.movedAs);
    for (let i = 0; i < this.count; i++) {
      binding.bindInput(fromCache(i), sources[i]!);
      binding.bindInput(toCache(i), targets[i]!);
      binding.bindOutput(movedCache(i), targets[i]!);
    }
    return [...sources, ...targets];
  }
}

function bindRows(binding: IoBinding, moves: readonly Move[], padding: number): OrtTensor[] {
  const n = moves.length;
  const bind = (name: string, data: TensorData, shape: readonly number[]) => {
    const tensor = tensorOver(data, shape);
    binding.bindInput(name, tensor);
    return tensor;
  };
  const sources = Int32Array.from(moves, ({ fromRow }) => fromRow);
  const targets = BigInt64Array.from(moves, ({ toRow }) => BigInt(toRow));
  const pads = BigInt64Array.of(0n, 0n, 0n, 0n, 0n, 0n, BigInt(padding), 0n);
  return [bind(FROM_ROWS, sources, [n]), bind(TO_ROWS, targets, [n, 1]), bind(PADS, pads, [8])];
}
