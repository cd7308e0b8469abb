/**
 * Numbers stay on the device. tfjs makes a tensor of each number that an operation takes (`x.mul(2)`), and on a
 * card its copy there waits until the card has done all that was asked of it before. Here the tensors of one
 * number share one copy, which outlives them.
 */

interface TensorRecord {
  readonly shape: readonly number[];
  readonly dtype: number;
  /** Not on the device yet. */
  values: ArrayLike<number> | null;
  id: number;
  refCount: number;
}

/** The part of tfjs-node's backend that moves tensors to the device and frees them. */
export interface InputBackend {
  readonly binding: {
    readonly TF_FLOAT: number;
    createTensor(shape: readonly number[], dtype: number, values: ArrayLike<number>): number;
    deleteTensor(id: number): void;
  };
  readonly tensorMap: { has(dataId: object): boolean; get(dataId: object): TensorRecord };
  getInputTensorIds(tensors: readonly { readonly dataId?: object }[]): number[];
  disposeData(dataId: object, force?: boolean): boolean;
}

interface Shared {
  readonly id: number;
  /** Tensors that stand for it now. */
  users: number;
}

/** Numbers kept; schedules bring new ones with every step, so that the longest unused one goes. */
const KEPT = 512;

export function shareScalars(backend: InputBackend): void {
  const { binding, tensorMap } = backend;
  const byValue = new Map<number, Shared>();
  const byId = new Map<number, Shared>();

  function sharedOf(value: number): Shared {
    const known = byValue.get(value);
    if (known !== undefined) byValue.delete(value); // goes to the end, as the last used
    const id = known?.id ?? binding.createTensor([], binding.TF_FLOAT, Float32Array.of(value));
    const shared = known ?? { id, users: 0 };
    byValue.set(value, shared);
    byId.set(shared.id, shared);
    return shared;
  }

  function forgetUnused(): void {
    for (const [value, { id, users }] of byValue) {
      if (byValue.size <= KEPT) return;
      if (users > 0) continue;
      byValue.delete(value);
      byId.delete(id);
      binding.deleteTensor(id);
    }
  }

  function place(record: TensorRecord): void {
    if (record.values === null || record.shape.length > 0) return;
    if (record.dtype !== binding.TF_FLOAT || Object.is(record.values[0], -0)) return;
    const shared = sharedOf(record.values[0]!);
    shared.users += 1;
    record.id = shared.id;
    record.values = null;
    if (byValue.size > KEPT) forgetUnused();
  }

  const inputIds = backend.getInputTensorIds.bind(backend);
  backend.getInputTensorIds = (tensors) => {
    for (const { dataId } of tensors) if (dataId !== undefined) place(tensorMap.get(dataId));
    return inputIds(tensors);
  };

  const dispose = backend.disposeData.bind(backend);
  backend.disposeData = (dataId, force = false) => {
    const record = tensorMap.has(dataId) ? tensorMap.get(dataId) : null;
    const shared = record === null ? undefined : byId.get(record.id);
    if (shared !== undefined && (force || record!.refCount <= 1)) {
      shared.users -= 1;
      record!.id = -1; // so that the copy itself is not freed
    }
    return dispose(dataId, force);
  };
}
