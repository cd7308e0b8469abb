/** What holds of a model's weights and adapters holds in every family: merging, PEFT's files, and a base in 4 bits. */
import { describe, expect, test } from 'vitest';
import { adapterFromLora, fourBitBase, mergedWeights, planLora } from '../../src/model/index.js';
import { linearModules, parameterShapes } from '../../src/model/spec-modules.js';
import {
  type Adapter,
  fromFloat32,
  loraConfig,
  readAdapter,
  toFloat32,
  writeAdapter,
} from '../../src/weights/index.js';
import { largestGap } from '../support/gaps.js';
import { FAMILIES, goldenCase, goldenTensor, goldenWeights } from '../support/golden-models.js';
import { temporaryFolder } from '../support/temporary.js';
import { trainerScores } from './adapter-scores.js';

/** On all linear modules; `factor`: 0 for one that does nothing. */
function adapterOf(spec: Parameters<typeof planLora>[0], factor = 1): Adapter {
  const plan = planLora(spec, loraConfig({ r: 4, loraAlpha: 8, targetModules: 'all-linear' }));
  const values = plan.shapes.map(({ name, shape }) => {
    const tensor = toFloat32(goldenTensor('adapter', name, { shape, normMean: 1 }));
    return [name, tensor.map((value) => factor * value)] as const;
  });
  return adapterFromLora(plan, new Map(values), 'base');
}

describe.each(FAMILIES)('%s', (name) => {
  const { spec, rows } = goldenCase(name);
  const weights = goldenWeights(name, spec);
  const adapter = adapterOf(spec);
  const nothing = adapterOf(spec, 0);
  const scores = async (...model: [typeof weights, Adapter]) =>
    (await trainerScores({ spec, weights: model[0], adapter: model[1] }, rows)).adapted.flat();

  test('an adapter on its base computes what both do that are merged', async () => {
    const { tensors } = mergedWeights({ spec, weights }, { adapter, dtype: null });
    expect([...tensors.keys()].sort()).toEqual([...parameterShapes(spec).keys()].sort());
    const adapted = await scores(weights, adapter);
    expect(largestGap(await scores((each) => tensors.get(each)!, nothing), adapted)).toBeLessThan(
      1e-4,
    );
    expect(largestGap(await scores(weights, nothing), adapted)).toBeGreaterThan(0.1);
  });

  test('an adapter is read from PEFT’s files as it was written', async () => {
    const dir = temporaryFolder();
    writeAdapter(dir, adapter);
    const again = readAdapter(dir, { base: linearModules(spec) });
    expect([...again.tensors.keys()].sort()).toEqual([...adapter.tensors.keys()].sort());
    expect(await scores(weights, again)).toEqual(await scores(weights, adapter));
  });

  test('a base in 4 bits computes what one does that holds the values of these bits', async () => {
    const quantised = fourBitBase(spec, weights, { type: 'nf4', isNested: true });
    const held = (each: string) => {
      const tensor = quantised(each);
      return fromFloat32(toFloat32(tensor), tensor.shape);
    };
    const found = await scores(quantised, adapter);
    expect(found).toEqual(await scores(held, adapter));
    expect(largestGap(found, await scores(weights, adapter))).toBeGreaterThan(1e-3);
  });
});
