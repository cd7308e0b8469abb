import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { commandSchemas } from '../../../src/config/index.js';
import {
  fourBitBase,
  loraFromAdapter,
  Policy,
  planLora,
  readSpec,
} from '../../../src/model/index.js';
import { runExport } from '../../../src/recipes/export.js';
import { runInitModel } from '../../../src/recipes/init-model.js';
import { lockOutput } from '../../../src/recipes/outputs/output-lock.js';
import { loadTokenizer } from '../../../src/tokenizer/index.js';
import { readJson, writeJson } from '../../../src/util/files.js';
import { elementCount } from '../../../src/util/shape.js';
import {
  type Adapter,
  fourBitTensor,
  fromFloat32,
  type LoraConfig,
  loraConfig,
  openCheckpoint,
  type Quantization,
  readAdapter,
  toFloat32,
  writeSafetensors,
} from '../../../src/weights/index.js';
import { logInto } from '../../support/context.js';
import { filesIn } from '../../support/files-in.js';
import { temporaryFolder } from '../../support/temporary.js';
import { batchOf, logpsOf } from '../../support/token-rows.js';
import { writeRandomAdapter } from './random-adapter.js';
import { writeRunRecord } from './run-record.js';

const { at } = filesIn(temporaryFolder());
const lines: string[] = [];
const context = logInto(lines);
const FP4 = { type: 'fp4', isNested: false } as const;
const ROWS = [
  [5, 90, 3, 200, 17, 8],
  [40, 41],
];

const keys = (output: string, more: object = {}) =>
  commandSchemas.export.parse({ model: at('base'), output: at(output), threads: 2, ...more });

const makeAdapter = (name: string, lora: Partial<LoraConfig> = {}, std = 0.3): Adapter =>
  writeRandomAdapter({ model: at('base'), dir: at(name), std, lora });

/** log p of the ids of `ROWS`. */
async function logps(
  folder: string,
  adapter: Adapter | null,
  quantization: Quantization | null = null,
): Promise<number[]> {
  const spec = readSpec(folder);
  const checkpoint = openCheckpoint(folder);
  const lora = planLora(
    spec,
    adapter?.config ?? loraConfig({ r: 1, loraAlpha: 1, targetModules: ['o_proj'] }),
  );
  const initialLora =
    adapter === null
      ? lora.shapes.map(({ shape }) => new Float32Array(elementCount(shape)))
      : loraFromAdapter(lora, adapter);
  const weights = fourBitBase(spec, checkpoint.tensor, quantization);
  const policy = new Policy({ spec, weights, lora, initialLora, checkpointedLayers: 0 });
  const scores = await policy.score(batchOf(ROWS));
  policy.dispose();
  checkpoint.close();
  return logpsOf(scores);
}

beforeAll(async () => {
  const architecture = { hidden_size: 32, num_attention_heads: 2, initializer_range: 0.15 };
  const config = { output: at('base'), tokenizer: { vocab_size: 264 }, architecture };
  await runInitModel(commandSchemas['init-model'].parse(config), context);
});

test.each([
  ['plain', {}],
  ['everything', { useDora: true, modulesToSave: ['embed_tokens', 'norm'] }],
])('merged weights are the adapter on its base: %s', async (name, fields) => {
  const adapter = makeAdapter(name, fields);
  const found = await runExport(keys(`merged-${name}`, { adapter: at(name) }), context);
  expect(found).toMatchObject({ dtype: 'float32', output: at(`merged-${name}`) });
  expect(found.max_logprob_difference).toBeLessThan(1e-4);
  expect(found.adapter_effect).toBeGreaterThan(0.1);
  const [merged, adapted] = [await logps(found.output, null), await logps(at('base'), adapter)];
  for (const [i, value] of merged.entries())
    expect(Math.abs(value - adapted[i]!)).toBeLessThan(1e-4);
  const written = readJson(join(found.output, 'config.json')) as Record<string, unknown>;
  expect(written).toMatchObject({ torch_dtype: 'float32', tie_word_embeddings: name === 'plain' });
  expect(readdirSync(found.output)).toEqual(
    expect.arrayContaining(['tokenizer.json', 'model.safetensors', 'README.md']),
  );
});

test('names of an adapter that stand for no module are said, and nothing else comes of them', async () => {
  const targetModules = ['q_proj', 'qkv', 'w2'];
  const patterns = { rankPattern: { qkv: 8 }, alphaPattern: { q_proj: 2, v_proj: 3 } };
  makeAdapter('names', { targetModules, ...patterns });
  lines.length = 0;
  const found = await runExport(keys('merged-names', { adapter: at('names') }), context);
  expect(found.adapter_effect).toBeGreaterThan(0.01);
  const left = (said: string) => `warning: ${said}, and is left out (${at('names')})`;
  expect(lines.filter((line) => line.includes('left out'))).toEqual([
    left('target_modules of adapter_config.json: "qkv" names no linear module'),
    left('target_modules of adapter_config.json: "w2" names no linear module'),
    left('rank_pattern of adapter_config.json: "qkv" matches no module with LoRA'),
    left('alpha_pattern of adapter_config.json: "v_proj" matches no module with LoRA'),
  ]);
});

test.each([{}, { useDora: true }])('merged into a base in 4 bits: %o', async (fields) => {
  const adapter = makeAdapter('on-bits', fields);
  const given = { adapter: at('on-bits'), overwrite: true };
  const fourBits = { load_in_4bit: true, bnb_4bit_quant_type: 'fp4' };
  const { output } = await runExport(keys('merged-bits', { ...given, ...fourBits }), context);
  const expected = await logps(at('base'), adapter, FP4);
  expect(await logps(output, null)).toBeAllclose(expected, { atol: 1e-4 });
  expect(await logps(at('base'), adapter)).not.toBeAllclose(expected, { atol: 1e-2 });
  const card = readFileSync(join(output, 'README.md'), 'utf8');
  expect(card).toContain('in float32 (linear modules made of 4 bits: fp4) with a LoRA adapter');
});

test('of a model that reads images too the text decoder is written, as a model of its own', async () => {
  const plain = {
    architecture: { model_type: 'mistral', hidden_size: 32, num_attention_heads: 2 },
  };
  const made = commandSchemas['init-model'].parse({ output: at('text'), ...plain });
  await runInitModel(made, context);
  cpSync(at('text'), at('images'), { recursive: true });
  const config = readJson(join(at('text'), 'config.json')) as Record<string, unknown>;
  writeJson(join(at('images'), 'config.json'), { model_type: 'mistral3', text_config: config });
  const text = openCheckpoint(at('text'));
  const tensors = text
    .names()
    .map((name) => [`language_model.${name}`, text.tensor(name)] as const);
  const vision = ['vision_tower.ln_pre.weight', fromFloat32(new Float32Array(4), [4])] as const;
  writeSafetensors(join(at('images'), 'model.safetensors'), new Map([...tensors, vision]));
  lines.length = 0;
  const { output } = await runExport(keys('alone', { model: at('images') }), context);
  expect(lines).toContain(
    `warning: only the text decoder is used; tensors of other parts are left out: 1 (${at('images')})`,
  );
  const alone = openCheckpoint(output);
  expect(alone.names().sort()).toEqual(text.names().sort());
  for (const name of text.names()) {
    expect(toFloat32(alone.tensor(name))).toEqual(toFloat32(text.tensor(name)));
  }
  expect(readSpec(output)).toEqual(readSpec(at('text')));
  expect(readJson(join(output, 'config.json'))).toMatchObject({
    architectures: ['MistralForCausalLM'],
    model_type: 'mistral',
  });
  text.close();
  alone.close();
});

test('rounding that changes what the model says is refused, and nothing is written', async () => {
  makeAdapter('coarse');
  const rounded = (more: object = {}) =>
    runExport(
      keys('coarse-merged', { adapter: at('coarse'), dtype: 'bfloat16', ...more }),
      context,
    );
  await expect(rounded()).rejects.toThrow(
    /dtype: rounding to bfloat16 changes log-probabilities by up to 0\.\d+ where the adapter itself .* max_logprob_difference is 0\.01\. Set dtype=float32/,
  );
  expect(existsSync(at('coarse-merged'))).toBe(false);
  lines.length = 0;
  const found = await rounded({ allow_precision_loss: true });
  expect(found.max_logprob_difference).toBeGreaterThan(0.01);
  expect(lines.join('\n')).toMatch(/rounding to bfloat16 .* \(allowed by allow_precision_loss\)/);
  const checkpoint = openCheckpoint(found.output);
  expect(checkpoint.tensor('model.norm.weight').dtype).toBe('bfloat16');
  checkpoint.close();
  expect((await rounded({ max_logprob_difference: 5, overwrite: true })).dtype).toBe('bfloat16');
});

test('weights alone change their type, and come back', async () => {
  const loose = { allow_precision_loss: true };
  const half = await runExport(keys('half', { dtype: 'float16', ...loose }), context);
  expect(half.adapter_effect).toBe(0);
  const again = { model: at('half'), dtype: 'float32', output: at('whole') };
  const whole = await runExport(keys('whole', again), context);
  expect(whole.max_logprob_difference).toBe(0);
  const same = await runExport(keys('same'), context);
  expect(readFileSync(join(same.output, 'model.safetensors'))).toEqual(
    readFileSync(join(at('base'), 'model.safetensors')),
  );
});

test('a base in 4 bits is written as what its bits stand for, in the type of the checkpoint', async () => {
  const loose = { allow_precision_loss: true };
  await runExport(keys('brief', { dtype: 'bfloat16', ...loose }), context);
  const fourBits = { load_in_4bit: true, bnb_4bit_quant_type: 'fp4', ...loose };
  const found = await runExport(keys('rounded', { model: at('brief'), ...fourBits }), context);
  expect(found).toMatchObject({ dtype: 'bfloat16', adapter_effect: 0 });
  const card = readFileSync(join(found.output, 'README.md'), 'utf8');
  expect(card).toContain('in bfloat16 (linear modules made of 4 bits: fp4), exported');
  const [own, written] = [openCheckpoint(at('brief')), openCheckpoint(found.output)];
  for (const name of own.names()) {
    const tensor = own.tensor(name);
    const isLinear = /_proj\.weight$/.test(name);
    const values = isLinear ? toFloat32(fourBitTensor(tensor, FP4)) : toFloat32(tensor);
    expect(written.tensor(name), name).toMatchObject(fromFloat32(values, tensor.shape, 'bfloat16'));
    expect(Buffer.from(tensor.bytes).equals(written.tensor(name).bytes), name).toBe(!isLinear);
  }
  own.close();
  written.close();
});

test('the folder of the model itself is never replaced', async () => {
  const onto = keys('base', { overwrite: true });
  await expect(runExport(onto, context)).rejects.toThrow(/output: .* is the model itself/);
  symlinkSync(at('base'), at('link'));
  const byLink = keys('link', { overwrite: true });
  await expect(runExport(byLink, context)).rejects.toThrow(/output: .* is the model itself/);
});

test('an output that another process writes is refused, by any spelling', async () => {
  const unlock = lockOutput(at('held'));
  const held = `output: process ${process.pid} on ${hostname()} is writing ${at('held')}`;
  for (const end of ['', '/', '/.']) {
    const output = `${at('held')}${end}`;
    const made = commandSchemas['init-model'].parse({ output, architecture: {} });
    await expect(runExport(keys('held', { output }), context)).rejects.toThrow(held);
    await expect(runInitModel(made, context)).rejects.toThrow(held);
  }
  unlock();
  expect(existsSync(at('held'))).toBe(false);
  await runExport(keys('held/'), context);
  expect(existsSync(at('held.lock')) || existsSync(at('held/.lock'))).toBe(false);
});

test.each(['.', `${at('here')}/.`])('an empty folder may be the output as %s', async (output) => {
  const elsewhere = process.cwd();
  mkdirSync(at('here'));
  process.chdir(at('here'));
  try {
    await runExport(keys('here', { output }), context);
  } finally {
    process.chdir(elsewhere);
  }
  const weights = (name: string) => readFileSync(at(name, 'model.safetensors'));
  expect(weights('here').equals(weights('base'))).toBe(true);
  rmSync(at('here'), { recursive: true });
  expect(readdirSync(at('')).filter((name) => name.startsWith('here'))).toEqual([]);
});

test.each([
  ['merged', 'safetensors'],
  ['merged.gguf', 'gguf'],
])(
  'an output that cannot be written is refused before the model is looked for: %s',
  async (name, format) => {
    const asked = keys(`base/config.json/${name}`, { model: at('nowhere'), format });
    const where = `${at('base/config.json')}: is a file, not a folder`;
    await expect(runExport(asked, context)).rejects.toThrow(where);
  },
);

test('the model card names the commits that the run of the adapter had read', async () => {
  makeAdapter('run/model', {}, 0.1);
  const model = { kind: 'model', name: 'a/base', revision: 'c1', commit: 'c1' };
  const rows = { kind: 'dataset', name: 'a/rows', split: 'train', revision: 'v2', commit: 'c2' };
  const sources = [model, rows, { ...rows, name: 'rows.jsonl', revision: null, commit: null }];
  writeRunRecord(at('run'), { sources });
  for (const named of [{ model: at('run') }, { adapter: at('run/model') }]) {
    const { output } = await runExport(keys('card', { ...named, overwrite: true }), context);
    expect(readFileSync(join(output, 'README.md'), 'utf8').match(/^- .*$/gm)).toEqual([
      '- Model: `a/base` at commit `c1`',
      '- Data: `a/rows` (train) at commit `c2`, revision `v2`',
    ]);
  }
});

test('several adapters stand on one base', async () => {
  makeAdapter('one', {}, 0.1);
  makeAdapter('two', { useDora: true }, 0.1);
  const [base, one, two] = await Promise.all([
    logps(at('base'), null),
    logps(at('base'), readAdapter(at('one'))),
    logps(at('base'), readAdapter(at('two'))),
  ]);
  expect(one).not.toEqual(base);
  expect(two).not.toEqual(one);
});

test('a chat template that is given is that of the exported model', async () => {
  const template = at('own.jinja');
  writeFileSync(template, 'Q: {{ messages[0].content }}');
  const given = { chat_template_path: template, eos_token: '<|user|>' };
  const { output } = await runExport(keys('templated', given), context);
  const tokenizer = await loadTokenizer(output);
  const asked = tokenizer.applyChatTemplate([{ role: 'user', content: 'hi' }]);
  expect(asked).toBe('Q: hi');
  expect(tokenizer.eosId).toBe(tokenizer.tokenId('<|user|>'));
});
