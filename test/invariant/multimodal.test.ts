/** The text decoder of a model that reads images too, as transformers and PEFT have it (scripts/golden/multimodal.py). */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { collate, loraFromAdapter, Policy, planLora, readSpec } from '../../src/model/index.js';
import { linearModules, parameterShapes } from '../../src/model/spec.js';
import { createOnnxSampler } from '../../src/rollout/index.js';
import type { JsonRow } from '../../src/util/files.js';
import {
  checkAdapter,
  checkShapes,
  fromFloat32,
  type HostTensor,
  loraConfig,
  openCheckpoint,
  readAdapter,
  readSafetensors,
  writeAdapter,
  writeSafetensors,
} from '../../src/weights/index.js';
import { temporaryFolder } from '../support/temporary.js';
import { goldenTensor } from '../unit/model/golden.js';
import { largestGap, logpsOf } from './tiny-policy.js';

interface Saved {
  /** The name that a decoder by itself gives the tensor; null: of another part. */
  readonly decoder: string | null;
  readonly shape: readonly number[];
}

interface Expected {
  readonly config: JsonRow;
  readonly saved: JsonRow;
  readonly tensors: Readonly<Record<string, Saved>>;
  readonly ids: readonly (readonly number[])[];
  readonly logprobs: readonly (readonly number[])[];
  readonly adapted: readonly (readonly number[])[];
  readonly adapter: {
    readonly config: JsonRow;
    readonly tensors: Readonly<Record<string, readonly number[]>>;
  };
}

const FOLDER = new URL('../fixtures/multimodal/', import.meta.url).pathname;
const PREFIX = 'base_model.model.model.language_model.';

const isOfDecoder = (key: string): boolean => key.startsWith(PREFIX);

/** The checkpoint and the adapter as the two save them. */
function madeFolders(name: string, expected: Expected, config: JsonRow) {
  const [base, adapter] = [temporaryFolder(), temporaryFolder()];
  const normMean = name === 'gemma3' ? 0 : 1;
  const tensor = (key: string, shape: readonly number[]): HostTensor =>
    goldenTensor(name, key, { shape, normMean });
  writeFileSync(join(base, 'config.json'), JSON.stringify(config));
  const weights = Object.entries(expected.tensors).map(
    ([key, { decoder, shape }]) => [key, tensor(decoder ?? key, shape)] as const,
  );
  writeSafetensors(join(base, 'model.safetensors'), new Map(weights));
  writeFileSync(join(adapter, 'adapter_config.json'), JSON.stringify(expected.adapter.config));
  const lora = Object.entries(expected.adapter.tensors).map(
    ([key, shape]) => [key, tensor(key, shape)] as const,
  );
  writeSafetensors(join(adapter, 'adapter_model.safetensors'), new Map(lora));
  return { base, adapter };
}

describe.each(['gemma3', 'mistral3', 'qwen3_vl'])('%s', (name) => {
  const expected = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as Expected;
  const folders = madeFolders(name, expected, expected.config);
  const spec = readSpec(folders.base);
  const checkpoint = openCheckpoint(folders.base);
  const weights = (tensor: string) => checkpoint.tensor(tensor);
  const adapter = readAdapter(folders.adapter);
  const batch = collate(expected.ids.map((ids) => ({ ids, trained: ids.map(() => true) })));

  test('its config, as transformers saves it, is the same decoder', () => {
    const { base } = madeFolders(name, expected, expected.saved);
    expect(readSpec(base)).toEqual(spec);
  });

  test('its tensors are those of the decoder; the others are counted', () => {
    expect(checkShapes(checkpoint, parameterShapes(spec))).toEqual([]);
    const others = Object.entries(expected.tensors).filter(([, { decoder }]) => decoder === null);
    expect(others.length).toBeGreaterThan(5);
    expect(checkpoint.outside).toEqual(others.map(([key]) => key));
    expect(() => checkpoint.tensor('model.layers.9.input_layernorm.weight')).toThrow(
      /language_model\.(?:model\.)?layers\.9\.input_layernorm\.weight" is missing/,
    );
  });

  test('the log-probabilities are those of transformers and of PEFT', async () => {
    const lora = planLora(spec, adapter.config);
    const initialLora = loraFromAdapter(lora, adapter);
    const policy = new Policy({ spec, weights, lora, initialLora, checkpointedLayers: 0 });
    const adapted = logpsOf(await policy.score(batch));
    const base = logpsOf(await policy.score(batch, { adapter: 'off' }));
    policy.dispose();
    expect(largestGap(base, expected.logprobs.flat())).toBeLessThan(2e-5);
    expect(largestGap(adapted, expected.adapted.flat())).toBeLessThan(2e-5);
    expect(largestGap(base, adapted)).toBeGreaterThan(0.05);
  });

  test('the sampler has them too', async () => {
    const sampler = await createOnnxSampler({
      spec,
      weights,
      tokenizer: { eosIds: [], decode: () => '' },
      loraModules: [...adapter.tensors.keys()],
      maxContext: 32,
      threads: 1,
    });
    sampler.setAdapter(adapter);
    const logprobs = (await sampler.score(expected.ids)).flatMap((part) => Array.from(part));
    sampler.dispose();
    expect(largestGap(logprobs, expected.adapted.flat())).toBeLessThan(2e-5);
  });

  test("the adapter of PEFT fits, and is written with PEFT's names, which name nothing else", () => {
    checkAdapter(adapter, linearModules(spec), folders.adapter);
    const keys = Object.keys(expected.adapter.tensors);
    expect(adapter.outside).toBe(keys.filter((key) => !isOfDecoder(key)).length);
    const dir = temporaryFolder();
    writeAdapter(dir, adapter);
    const written = [...readSafetensors(join(dir, 'adapter_model.safetensors')).keys()];
    expect(written.sort()).toEqual(keys.filter(isOfDecoder).sort());
    const { target_modules: targets } = JSON.parse(
      readFileSync(join(dir, 'adapter_config.json'), 'utf8'),
    );
    const modules = keys.filter(isOfDecoder).map((key) => key.replace(/\.lora_[AB]\.weight$/, ''));
    const named = modules.map((module) => module.slice('base_model.model.'.length));
    expect([...targets].sort()).toEqual([...new Set(named)].sort());
    const back = readAdapter(dir);
    expect(back.tensors).toEqual(adapter.tensors);
  });
});

test('adapters with names of transformers before 4.52 are read', () => {
  const lora = { r: 2, loraAlpha: 6, targetModules: ['q_proj'] };
  const module = 'model.layers.0.self_attn.q_proj';
  const tensors = new Map([
    [
      module,
      { a: fromFloat32(new Float32Array(8), [2, 4]), b: fromFloat32(new Float32Array(8), [4, 2]) },
    ],
  ]);
  const dir = temporaryFolder();
  const config = loraConfig({ ...lora, root: 'language_model.model' });
  const scaled = new Map([...tensors].map(([key, pair]) => [key, { ...pair, scale: 3 }]));
  writeAdapter(dir, { config, baseModel: 'base', tensors: scaled });
  expect([...readSafetensors(join(dir, 'adapter_model.safetensors')).keys()]).toEqual([
    'base_model.model.language_model.model.layers.0.self_attn.q_proj.lora_A.weight',
    'base_model.model.language_model.model.layers.0.self_attn.q_proj.lora_B.weight',
  ]);
  const back = readAdapter(dir);
  expect([...back.tensors.keys()]).toEqual([module]);
  expect(back.config.root).toBe('language_model.model');
});
