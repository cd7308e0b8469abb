/** A random adapter on every linear of a model, strong enough to change what is written. */
import { adapterFromLora, planLora } from '../../../../src/model/index.js';
import { openModel } from '../../../../src/recipes/inputs/model-source.js';
import { Rng } from '../../../../src/util/rng.js';
import { loraConfig, writeAdapter } from '../../../../src/weights/index.js';
import { SILENT } from '../../../support/context.js';

export async function writeTinyAdapter(model: string, dir: string, seed: number): Promise<void> {
  const source = await openModel({ model }, SILENT);
  source.close();
  const config = loraConfig({ r: 4, loraAlpha: 8, targetModules: 'all-linear' });
  const plan = planLora(source.spec, config);
  const values = plan.shapes.map(({ name, shape }, i) => {
    const rng = Rng.of(seed, 'adapter', i);
    const size = shape.reduce((product, dim) => product * dim, 1);
    return [name, Float32Array.from({ length: size }, () => rng.uniform() - 0.5)] as const;
  });
  writeAdapter(dir, adapterFromLora(plan, new Map(values), source.baseName));
}
