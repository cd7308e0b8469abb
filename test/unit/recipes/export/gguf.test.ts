import { closeSync, openSync, readdirSync, readSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { gguf } from '@huggingface/gguf';
import { expect, test } from 'vitest';
import { commandSchemas } from '../../../../src/config/index.js';
import { dequantizeQ8 } from '../../../../src/gguf/q8.js';
import { runExport } from '../../../../src/recipes/export.js';
import { thisProcess } from '../../../../src/util/process-identity.js';
import { openCheckpoint, toFloat32 } from '../../../../src/weights/index.js';
import { logInto, SILENT } from '../../../support/context.js';
import { tinyModel } from '../../../support/tiny-model.js';
import { writeRandomAdapter } from '../random-adapter.js';

const { folder, model } = tinyModel([
  'hidden_size=32',
  'num_attention_heads=2',
  'num_hidden_layers=1',
  'initializer_range=0.15',
]);
const withExperts = tinyModel([
  'model_type=qwen3_moe',
  'hidden_size=32',
  'num_attention_heads=2',
  'num_hidden_layers=1',
  'initializer_range=0.15',
  'config={num_experts: 4, moe_intermediate_size: 32}',
]);
const at = (name: string) => join(folder, name);
const keys = (output: string, more: object = {}) =>
  commandSchemas.export.parse({ model, output: at(output), format: 'gguf', threads: 2, ...more });

/** Bytes of a tensor of a file, found as the parser of `@huggingface/gguf` finds it. */
async function readTensor(path: string, name: string) {
  const { metadata, tensorInfos, tensorDataOffset } = await gguf(path, { allowLocalFile: true });
  const info = tensorInfos.find((tensor) => tensor.name === name)!;
  const next = tensorInfos.map(({ offset }) => offset).filter((offset) => offset > info.offset);
  const end = next.length === 0 ? info.offset : next.reduce((a, b) => (a < b ? a : b));
  const bytes = new Uint8Array(Number(end - info.offset));
  const file = openSync(path, 'r');
  readSync(file, bytes, 0, bytes.length, Number(tensorDataOffset + info.offset));
  closeSync(file);
  return { metadata, shape: info.shape.map(Number).reverse(), dtype: info.dtype, bytes };
}

const V = 'model.layers.0.self_attn.v_proj.weight';

test('an adapter is merged as the folder export merges it', async () => {
  const adapter = at('adapter');
  writeRandomAdapter({ model, dir: adapter });
  const found = await runExport(keys('merged.gguf', { adapter }), SILENT);
  expect(found).toMatchObject({ dtype: 'float32', output: at('merged.gguf') });
  expect(found.max_logprob_difference).toBeLessThan(1e-4);
  expect(found.adapter_effect).toBeGreaterThan(0.1);
  const plain = commandSchemas.export.parse({ model, adapter, output: at('merged'), threads: 2 });
  await runExport(plain, SILENT);
  const checkpoint = openCheckpoint(at('merged'));
  const { metadata, shape, bytes } = await readTensor(found.output, 'blk.0.attn_v.weight');
  expect(toFloat32({ dtype: 'float32', shape, bytes })).toEqual(toFloat32(checkpoint.tensor(V)));
  checkpoint.close();
  expect(metadata).toMatchObject({
    'general.architecture': 'llama',
    'general.name': 'model',
    'general.file_type': 0,
    'llama.block_count': 1,
    'tokenizer.ggml.pre': 'smollm',
    'tokenizer.ggml.add_bos_token': true,
  });
});

test('experts go into the file as they are, what is adapted beside them merged', async () => {
  const base = withExperts.model;
  const adapter = join(withExperts.folder, 'adapter');
  writeRandomAdapter({ model: base, dir: adapter });
  const output = join(withExperts.folder, 'merged.gguf');
  const found = await runExport(keys(output, { model: base, output, adapter }), SILENT);
  expect(found.max_logprob_difference).toBeLessThan(1e-4);
  expect(found.adapter_effect).toBeGreaterThan(0.1);
  const checkpoint = openCheckpoint(base);
  const experts = Array.from({ length: 4 }, (_, i) => [
    ...toFloat32(checkpoint.tensor(`model.layers.0.mlp.experts.${i}.up_proj.weight`)),
  ]);
  const queries = toFloat32(checkpoint.tensor('model.layers.0.self_attn.q_proj.weight'));
  checkpoint.close();
  const stack = await readTensor(output, 'blk.0.ffn_up_exps.weight');
  expect(stack.shape).toEqual([4, 32, 32]);
  expect([...toFloat32({ ...stack, dtype: 'float32' })]).toEqual(experts.flat());
  const merged = await readTensor(output, 'blk.0.attn_q.weight');
  expect(toFloat32({ ...merged, dtype: 'float32' })).not.toEqual(queries);
  expect(stack.metadata).toMatchObject({
    'general.architecture': 'qwen3moe',
    'qwen3moe.expert_count': 4,
    'qwen3moe.expert_used_count': 2,
  });
});

test('q8_0 says what it costs, and the file holds what was checked', async () => {
  const lines: string[] = [];
  const found = await runExport(keys('small.gguf', { dtype: 'q8_0' }), logInto(lines));
  expect(found.dtype).toBe('q8_0');
  expect(found.max_logprob_difference).toBeGreaterThan(1e-4);
  expect(lines.join('\n')).toMatch(/rounding to q8_0 changes log-probabilities by up to 0\.\d+/);
  expect(lines.at(-1)).toBe('for Ollama, a Modelfile beside it with the line: FROM ./small.gguf');
  const { shape, dtype, bytes } = await readTensor(found.output, 'blk.0.attn_v.weight');
  expect([shape, dtype]).toEqual([[32, 32], 8]);
  const checkpoint = openCheckpoint(model);
  const own = toFloat32(checkpoint.tensor(V));
  checkpoint.close();
  const largest = Math.max(...own.map(Math.abs));
  const error = dequantizeQ8(bytes.subarray(0, 32 * 34)).map((value, i) => value - own[i]!);
  // Half a step of the scale, and the scale's own rounding to float16.
  expect(Math.max(...error.map(Math.abs))).toBeLessThan((largest / 127) * (0.5 + 127 * 2 ** -11));
});

test('a limit that is given holds for q8_0 too, and nothing is written', async () => {
  const strict = keys('strict.gguf', { dtype: 'q8_0', max_logprob_difference: 1e-9 });
  await expect(runExport(strict, SILENT)).rejects.toThrow(/dtype: rounding to q8_0 changes/);
  expect(readdirSync(folder).filter((name) => name.startsWith('strict'))).toEqual([]);
});

test('what is there is replaced on demand only, and only by its kind', async () => {
  await runExport(keys('twice.gguf'), SILENT);
  await expect(runExport(keys('twice.gguf'), SILENT)).rejects.toThrow(/output: .* is in use/);
  await runExport(keys('twice.gguf', { overwrite: true }), SILENT);
  writeFileSync(at('notes.gguf'), 'my notes');
  await expect(runExport(keys('notes.gguf', { overwrite: true }), SILENT)).rejects.toThrow(
    /notes\.gguf is not a GGUF file, so it is not replaced/,
  );
});

test('a stop leaves nothing behind', async () => {
  const stopped = { ...SILENT, signal: AbortSignal.abort('SIGINT') };
  await expect(runExport(keys('stopped.gguf'), stopped)).rejects.toThrow(
    /stopped; no .*stopped\.gguf/,
  );
  expect(readdirSync(folder).filter((name) => name.startsWith('stopped'))).toEqual([]);
});

test('what a killed process has left of the file goes, and no two write it at once', async () => {
  // Above the largest number that Linux gives to a process.
  writeFileSync(at('again.gguf.99999999.0a1b2c3d.part'), 'half');
  await runExport(keys('again.gguf'), SILENT);
  expect(readdirSync(folder).filter((name) => name.startsWith('again'))).toEqual(['again.gguf']);
  writeFileSync(at('held.gguf.lock'), JSON.stringify({ ...thisProcess(), token: 'other' }));
  await expect(runExport(keys('held.gguf'), SILENT)).rejects.toThrow(
    `output: process ${process.pid} on ${hostname()} is writing ${at('held.gguf')}. Wait for it`,
  );
});

test('keys that do not go together', () => {
  expect(() => keys('model')).toThrow(/format=gguf writes one file/);
  expect(() => keys('model', { format: 'safetensors', dtype: 'q8_0' })).toThrow(/set format=gguf/);
  const pre = { format: 'safetensors', pre_tokenizer: 'qwen2' };
  expect(() => keys('model', pre)).toThrow(/set format=gguf/);
});
