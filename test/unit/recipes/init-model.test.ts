import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commandSchemas, MODEL_TYPES } from '../../../src/config/index.js';
import { readSpec, storedShapes } from '../../../src/model/index.js';
import { runInitModel } from '../../../src/recipes/init-model.js';
import { elementCount } from '../../../src/util/shape.js';
import { checkShapes, openCheckpoint } from '../../../src/weights/index.js';
import { SILENT } from '../../support/context.js';
import { temporaryFolder } from '../../support/temporary.js';

const dir = temporaryFolder();

function make(name: string, architecture: object) {
  const tokenizer = { vocab_size: 264 };
  const config = { output: join(dir, name), tokenizer, architecture };
  return runInitModel(commandSchemas['init-model'].parse(config), SILENT);
}

test.each(MODEL_TYPES)('%s: a folder that the trainer opens', async (modelType) => {
  const { output, parameters } = await make(modelType, {
    model_type: modelType,
    hidden_size: 64,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 16,
  });
  const spec = readSpec(output);
  expect(spec).toMatchObject({ family: modelType, headDim: 16, numKvHeads: 2 });
  const checkpoint = openCheckpoint(output);
  const shapes = storedShapes(spec, null);
  expect(checkShapes(checkpoint, shapes)).toEqual([]);
  checkpoint.close();
  const sizes = [...shapes.values()].map((shape) => elementCount(shape));
  expect(parameters).toBe(sizes.reduce((a, b) => a + b, 0));
});

test.each(MODEL_TYPES)('%s: with defaults, tied but for phi', async (modelType) => {
  const { output } = await make(`${modelType}-defaults`, { model_type: modelType });
  expect(readSpec(output).tieWordEmbeddings).toBe(modelType !== 'phi');
});

test('embeddings are tied as the key says, but for phi', async () => {
  const { output } = await make('untied', { tie_word_embeddings: false });
  expect(readSpec(output).tieWordEmbeddings).toBe(false);
  const phi = { output, architecture: { model_type: 'phi', tie_word_embeddings: true } };
  const issues = commandSchemas['init-model'].safeParse(phi).error?.issues;
  expect(issues?.map(({ path, message }) => [path.join('.'), message])).toEqual([
    [
      'architecture.tie_word_embeddings',
      'true, but the output head of phi is its own. Leave it out',
    ],
  ]);
});

test('further fields of config.json count, and those that nobody knows are refused', async () => {
  const scaling = { rope_type: 'linear', factor: 4 };
  const window = { model_type: 'mistral', config: { sliding_window: 7, rope_scaling: scaling } };
  const { output } = await make('window', window);
  const { layers, ropes } = readSpec(output);
  expect(layers[0]).toMatchObject({ window: 7 });
  expect(ropes[0]!.invFreq[0]).toBeCloseTo(1 / 4);
  await expect(make('moon', { config: { moon_phase: 3 } })).rejects.toThrow(
    /config\.json: field "moon_phase" \(3\) is not understood/,
  );
});
