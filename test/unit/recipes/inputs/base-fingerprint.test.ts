/** What a base is known by sees each row of the embedding and the head. */
import { beforeAll, expect, it } from 'vitest';
import { storedShapes } from '../../../../src/model/index.js';
import { EMBEDDING, LM_HEAD, parameterShapes } from '../../../../src/model/spec-modules.js';
import { baseFingerprint } from '../../../../src/recipes/inputs/base-fingerprint.js';
import { type ModelSource, openModel } from '../../../../src/recipes/inputs/model-source.js';
import { elementCount } from '../../../../src/util/shape.js';
import { fromFloat32, writeCheckpoint } from '../../../../src/weights/index.js';
import { SILENT } from '../../../support/context.js';
import { goldenCase } from '../../../support/golden-models.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { tinyTraining } from '../../../support/tiny-training.js';

/** Rows of the embedding and the head: too many for a few blocks of 4 KiB. */
const VOCABULARY = 9000;
let spec: ModelSource['spec'];

const { base: model } = tinyTraining();

beforeAll(async () => {
  const source = await openModel({ model }, SILENT);
  source.close();
  spec = { ...source.spec, vocabSize: VOCABULARY, tieWordEmbeddings: false };
}, 120_000);

/** Of zeros, with a row of one tensor initialised. */
function fingerprint(changed?: string, row = 0): string {
  const baseDir = temporaryFolder();
  const tensors = [...parameterShapes(spec)].map(([name, shape]) => {
    const values = new Float32Array(elementCount(shape));
    const width = shape.at(-1)!;
    if (name === changed) values.fill(1, row * width, (row + 1) * width);
    return [name, fromFloat32(values, shape)] as const;
  });
  writeCheckpoint(baseDir, new Map(tensors));
  return baseFingerprint({ spec, baseDir });
}

it.each([EMBEDDING, LM_HEAD])('changes with any row of %s', (name) => {
  const rows = [1000, 4321, 8998];
  const all = [fingerprint(), ...rows.map((row) => fingerprint(name, row))];
  expect(new Set(all).size).toBe(4);
});

it.each(['olmoe', 'granitemoe'])(
  'is of what computes in %s, not of how training weighs a loss',
  (name) => {
    const { spec } = goldenCase(name);
    const baseDir = temporaryFolder();
    const tensors = [...storedShapes(spec, null)].map(([tensor, shape]) => {
      return [tensor, fromFloat32(new Float32Array(elementCount(shape)), shape)] as const;
    });
    writeCheckpoint(baseDir, new Map(tensors));
    const { auxLossCoef: _, ...without } = spec.experts!;
    const of = (changed: object) =>
      baseFingerprint({ spec: { ...spec, experts: { ...without, ...changed } as never }, baseDir });
    expect(of({ auxLossCoef: 0.02 })).toBe(of({}));
    expect(of({ auxLossCoef: 0.5 })).toBe(of({}));
    expect(of({ normalized: !without.normalized })).not.toBe(of({}));
  },
);
