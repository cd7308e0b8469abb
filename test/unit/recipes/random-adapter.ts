/** A random adapter for a model in a folder, strong enough to change what is written. */
import { basename } from 'node:path';
import { adapterFromLora, planLora, readSpec } from '../../../src/model/index.js';
import { Rng } from '../../../src/util/rng.js';
import { elementCount } from '../../../src/util/shape.js';
import {
  type Adapter,
  type LoraConfig,
  loraConfig,
  writeAdapter,
} from '../../../src/weights/index.js';

interface RandomAdapter {
  readonly model: string;
  /** Where it is written; another name gives other numbers. */
  readonly dir: string;
  readonly std?: number;
  /** Default: rank 4 on every linear module. */
  readonly lora?: Partial<LoraConfig>;
}

export function writeRandomAdapter({ model, dir, std = 0.3, lora = {} }: RandomAdapter): Adapter {
  const config = loraConfig({ r: 4, loraAlpha: 8, targetModules: 'all-linear', ...lora });
  const plan = planLora(readSpec(model), config);
  const rng = Rng.of('adapter', basename(dir));
  const values = plan.shapes.map(({ name, shape }) => {
    const numbers = Float32Array.from({ length: elementCount(shape) }, () => std * rng.normal());
    return [name, numbers] as const;
  });
  const adapter = adapterFromLora(plan, new Map(values), model);
  writeAdapter(dir, adapter);
  return adapter;
}
