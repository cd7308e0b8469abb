/** The text decoder of a model that reads images too, as transformers and PEFT have it (scripts/golden/multimodal.py). */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { adapterFromLora, checkTensors, planLora, readSpec } from '../../src/model/index.js';
import { linearModules, parameterShapes } from '../../src/model/spec-modules.js';
import { checkUnused } from '../../src/recipes/inputs/unused-tensors.js';
import { type JsonRow, readJson } from '../../src/util/files.js';
import { elementCount } from '../../src/util/shape.js';
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
import { largestGap } from '../support/gaps.js';
import { goldenTensor } from '../support/golden-models.js';
import { temporaryFolder } from '../support/temporary.js';
import { samplerScores, trainerScores } from './adapter-scores.js';

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
  const normMean = name === 'gemma3' || name === 'qwen3_5' ? 0 : 1;
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

describe.each(['gemma3', 'mistral3', 'qwen2_5_vl', 'qwen3_vl', 'qwen3_5'])('%s', (name) => {
  const expected = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as Expected;
  const folders = madeFolders(name, expected, expected.config);
  const spec = readSpec(folders.base);
  const checkpoint = openCheckpoint(folders.base);
  const weights = (tensor: string) => checkpoint.tensor(tensor);
  const adapter = readAdapter(folders.adapter);
  const model = { spec, weights, adapter };

  const inFile = String.raw`(?:model\.)?${name === 'qwen2_5_vl' ? '' : String.raw`language_model\.`}`;

  test('its config, as transformers saves it, is the same decoder', () => {
    const { base } = madeFolders(name, expected, expected.saved);
    expect(readSpec(base)).toEqual(spec);
  });

  test('its tensors are those of the decoder; the others are counted', () => {
    expect(checkShapes(checkpoint, parameterShapes(spec))).toEqual([]);
    const others = Object.entries(expected.tensors).filter(([, { decoder }]) => decoder === null);
    expect(others.length).toBeGreaterThan(5);
    expect(checkpoint.outside).toEqual(others.map(([key]) => key));
    const beyond = 'model.layers.9.input_layernorm.weight';
    const named = new RegExp(String.raw`${inFile}(?:model\.)?layers\.9\.input_layernorm\.weight"`);
    expect(() => checkpoint.tensor(beyond)).toThrow(named);
    expect(() => checkShapes(checkpoint, new Map([[beyond, [1]]]))).toThrow(named);
    const [first, shape] = [...parameterShapes(spec)][0]!;
    const other = () => checkShapes(checkpoint, new Map([[first, [...shape, 2]]]));
    expect(other).toThrow(new RegExp(String.raw`tensor "${inFile}\S+" has shape`));
    const unused = () => checkUnused(checkpoint, [first], () => undefined);
    expect(unused).toThrow(new RegExp(String.raw`has no tensor "${inFile}\S+"`));
  });

  test('the log-probabilities are those of transformers and of PEFT', async () => {
    const { base, adapted } = await trainerScores(model, expected.ids);
    expect(largestGap(base.flat(), expected.logprobs.flat())).toBeLessThan(2e-5);
    expect(largestGap(adapted.flat(), expected.adapted.flat())).toBeLessThan(2e-5);
    expect(largestGap(base.flat(), adapted.flat())).toBeGreaterThan(0.05);
  });

  test('the sampler has them too', async () => {
    const logprobs = await samplerScores(model, expected.ids);
    expect(largestGap(logprobs.flat(), expected.adapted.flat())).toBeLessThan(2e-5);
  });

  test("the adapter of PEFT fits, and is written with PEFT's names, which name nothing else", () => {
    checkAdapter(adapter, linearModules(spec), folders.adapter);
    expect(() => checkAdapter(adapter, [], folders.adapter)).toThrow(
      /unexpected module "model\.language_model\.layers\.0\./,
    );
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

/** `AutoModelForCausalLM` makes a model of text alone of it, so that PEFT's names are those of a decoder by itself. */
test('an adapter that PEFT has made over the decoder alone keeps its names', async () => {
  const name = 'qwen3_5';
  const expected = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as Expected;
  const { base, adapter: whole } = madeFolders(name, expected, expected.config);
  const [alone, written] = [temporaryFolder(), temporaryFolder()];
  const file = [...readSafetensors(join(whole, 'adapter_model.safetensors'))];
  const tensors = new Map(
    file
      .filter(([key]) => isOfDecoder(key))
      .map(([key, tensor]) => [key.replace('.language_model.', '.'), tensor] as const),
  );
  writeSafetensors(join(alone, 'adapter_model.safetensors'), tensors);
  writeFileSync(join(alone, 'adapter_config.json'), JSON.stringify(expected.adapter.config));
  const spec = readSpec(base);
  const checkpoint = openCheckpoint(base);
  const adapter = readAdapter(alone);
  checkAdapter(adapter, linearModules(spec), alone);
  const model = { spec, weights: (tensor: string) => checkpoint.tensor(tensor), adapter };
  const { adapted } = await trainerScores(model, expected.ids);
  const scores = [adapted, await samplerScores(model, expected.ids)];
  for (const rows of scores) {
    expect(largestGap(rows.flat(), expected.adapted.flat())).toBeLessThan(2e-5);
  }
  writeAdapter(written, adapter);
  const keys = [...readSafetensors(join(written, 'adapter_model.safetensors')).keys()];
  expect(keys.sort()).toEqual([...tensors.keys()].sort());
});

const OLD = 'language_model.model.layers.0.self_attn.q_proj';
const OLDER: JsonRow = {
  peft_type: 'LORA',
  r: 2,
  lora_alpha: 6,
  rank_pattern: { [`${OLD.replaceAll('.', '\\.')}`]: 1 },
};

test.each<JsonRow['target_modules']>([
  ['q_proj', 'fc1'],
  [OLD],
  String.raw`language_model\.model\..*q_proj`,
])(
  'an adapter for transformers before 4.52 is read, and written in the words of today: %j',
  (targets) => {
    const [dir, written] = [temporaryFolder(), temporaryFolder()];
    const config = { ...OLDER, target_modules: targets };
    writeFileSync(join(dir, 'adapter_config.json'), JSON.stringify(config));
    const tensors: [string, HostTensor][] = [
      [`base_model.model.${OLD}.lora_A.weight`, fromFloat32(new Float32Array(4), [1, 4])],
      [`base_model.model.${OLD}.lora_B.weight`, fromFloat32(new Float32Array(4), [4, 1])],
      ['base_model.model.vision_tower.fc1.lora_A.weight', fromFloat32(new Float32Array(4), [1, 4])],
    ];
    writeSafetensors(join(dir, 'adapter_model.safetensors'), new Map(tensors));
    const adapter = readAdapter(dir);
    expect(adapter.outside).toBe(1);
    expect([...adapter.tensors].map(([module, { scale }]) => [module, scale])).toEqual([
      ['model.layers.0.self_attn.q_proj', 6],
    ]);
    writeAdapter(written, adapter);
    const now = 'model.language_model.layers.0.self_attn.q_proj';
    expect([...readSafetensors(join(written, 'adapter_model.safetensors')).keys()]).toEqual([
      `base_model.model.${now}.lora_A.weight`,
      `base_model.model.${now}.lora_B.weight`,
    ]);
    expect(readJson(join(written, 'adapter_config.json'))).toMatchObject({
      target_modules: [now],
      rank_pattern: { [now.replaceAll('.', '\\.')]: 1 },
    });
    expect(readAdapter(written).tensors).toEqual(adapter.tensors);
  },
);

test('what an adapter trains whole, and its names, are those of the model that PEFT sees', () => {
  const expected = JSON.parse(readFileSync(join(FOLDER, 'gemma3.json'), 'utf8')) as Expected;
  const { base } = madeFolders('gemma3', expected, expected.config);
  const spec = readSpec(base);
  const lora = (modulesToSave: readonly string[]) =>
    planLora(spec, {
      ...loraConfig({
        r: 2,
        loraAlpha: 2,
        targetModules: ['o_proj'],
        useDora: true,
        modulesToSave,
      }),
      root: spec.root,
    });
  const plan = lora(['language_model.embed_tokens', 'lm_head']);
  expect([...plan.replaced].sort()).toEqual(['lm_head.weight', 'model.embed_tokens.weight']);
  const values = new Map(
    plan.shapes.map(({ name, shape }) => [name, new Float32Array(elementCount(shape)).fill(0.5)]),
  );
  const dir = temporaryFolder();
  const adapter = adapterFromLora(plan, values, 'base');
  writeAdapter(dir, adapter);
  const keys = [...readSafetensors(join(dir, 'adapter_model.safetensors')).keys()];
  expect(keys).toContain(`${PREFIX}embed_tokens.weight`);
  expect(keys).toContain('base_model.model.lm_head.weight');
  expect(keys).toContain(`${PREFIX}layers.1.self_attn.o_proj.lora_magnitude_vector`);
  const back = readAdapter(dir);
  checkTensors(planLora(spec, back.config), back, dir);
  expect(back.replaced).toEqual(adapter.replaced);
});
