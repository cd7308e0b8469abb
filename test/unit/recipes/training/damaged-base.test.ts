/** A base whose file holds what is no number: the error names it, not what the run was told. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig, sftSchema } from '../../../../src/config/index.js';
import { runSft } from '../../../../src/recipes/sft.js';
import {
  fromFloat32,
  readSafetensors,
  toFloat32,
  writeSafetensors,
} from '../../../../src/weights/index.js';
import { SILENT } from '../../../support/context.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { tinyTraining } from '../../../support/tiny-training.js';

const { base, keys } = tinyTraining();
const NAME = 'model.layers.1.mlp.up_proj.weight';

it.each([Number.NaN, Number.NEGATIVE_INFINITY])(
  '%d',
  async (value) => {
    const file = join(base, 'model.safetensors');
    const weights = readSafetensors(file);
    const { shape } = weights.get(NAME)!;
    const values = toFloat32(weights.get(NAME)!).slice();
    values[7] = value;
    writeSafetensors(file, new Map(weights).set(NAME, fromFloat32(values, shape)));
    const overrides = [...keys, `model=${base}`, `output_dir=${temporaryFolder()}`, 'max_steps=1'];
    await expect(runSft(loadConfig(sftSchema, { overrides, env: {} }), SILENT)).rejects.toThrow(
      `${file}: tensor "${NAME}" holds ${value}. The file is damaged`,
    );
  },
  60_000,
);
