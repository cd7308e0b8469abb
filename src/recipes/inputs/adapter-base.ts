/** Whether the base that an adapter names holds the same weights as the model it is put on. */
import { existsSync } from 'node:fs';
import { LM_HEAD } from '../../model/spec-modules.js';
import { InputError } from '../../util/errors.js';
import {
  type Adapter,
  type Checkpoint,
  type HostTensor,
  openCheckpoint,
  toFloat32,
} from '../../weights/index.js';
import type { Base } from './locate-model.js';

interface OpenBase extends Base {
  readonly checkpoint: Checkpoint;
  /** Tensors of it that the model is made of. */
  readonly parameters: Iterable<string>;
}

/** Embeddings and final norm differ between any two full trainings; each must be there, and is compared whole. */
const isTelling = (name: string): boolean => !name.includes('.layers.') && name !== LM_HEAD;

/** Values of each other tensor that are compared: a merged adapter changes all of a matrix. */
const COMPARED = 1024;

/** Coarser than the rounding to bfloat16, in which a copy of the base may be. */
const TOLERANCE = 2 ** -7;

function areEqual(one: HostTensor, other: HostTensor): boolean {
  const [a, b] = [toFloat32(one), toFloat32(other)];
  return (
    a.length === b.length &&
    a.every((value, i) => Math.abs(value - b[i]!) <= TOLERANCE * Math.abs(value) + 1e-6)
  );
}

function holdsWeightsOf({ checkpoint: base, parameters }: OpenBase, named: Checkpoint): boolean {
  // Matrices that the named base keeps in bits of its own are not compared.
  const isShared = (name: string) => base.has(name) && named.has(name) && named.isPlain(name);
  const shared = [...parameters].filter(isShared);
  const telling = [...parameters].filter(isTelling);
  return (
    telling.every((name) => named.has(name) && areEqual(named.tensor(name), base.tensor(name))) &&
    shared.every((name) =>
      areEqual(named.readFirst(name, COMPARED), base.readFirst(name, COMPARED)),
    )
  );
}

const at = (name: string, revision: string | null | undefined): string =>
  revision ? `${name}@${revision}` : name;

/** The same model; where the adapter says at which revision, at that one. */
function isSameBase({ baseModel, revision }: Pick<Adapter, 'baseModel' | 'revision'>, base: Base) {
  if (baseModel !== base.baseName) return false;
  return !revision || revision === base.baseRevision || revision === base.baseCommit;
}

/**
 * Shapes alone cannot tell two models of one architecture apart. A base that is no folder here cannot be
 * compared; that is said, not passed over.
 * @throws InputError when the named base is here and its weights are others.
 */
export function checkBase(
  adapter: Pick<Adapter, 'baseModel' | 'revision'>,
  base: OpenBase,
  { where, log }: { readonly where: string; readonly log: (line: string) => void },
): void {
  const { baseModel } = adapter;
  if (baseModel === null || isSameBase(adapter, base)) return;
  if (baseModel === base.baseName || !existsSync(baseModel)) {
    const [made, used] = [
      at(baseModel, adapter.revision),
      at(base.baseName, base.baseRevision ?? base.baseCommit),
    ];
    log(`${where}: made for ${made}, used on ${used}; only their shapes were compared`);
    return;
  }
  const named = openCheckpoint(baseModel);
  try {
    if (holdsWeightsOf(base, named)) return;
  } finally {
    named.close();
  }
  throw new InputError({
    where,
    problem: `adapter of another base model: it was made for ${baseModel}, whose weights are not those of ${base.baseName}`,
    remedy: `Use it with model=${baseModel}`,
  });
}
