/** A checkpoint with experts in MXFP4 is the one that its numbers stand for, and is written so. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commandSchemas } from '../../../../src/config/index.js';
import { runExport } from '../../../../src/recipes/export.js';
import { runInitModel } from '../../../../src/recipes/init-model.js';
import { type JsonRow, readJson, writeJson } from '../../../../src/util/files.js';
import { fromMxfp4, openCheckpoint, readSafetensors } from '../../../../src/weights/index.js';
import { SILENT } from '../../../support/context.js';
import { temporaryFolder } from '../../../support/temporary.js';

interface RawTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

function writeRaw(path: string, tensors: ReadonlyMap<string, RawTensor>): void {
  let offset = 0;
  const header = [...tensors].map(([name, { dtype, shape, bytes }]) => {
    const start = offset;
    offset += bytes.length;
    return [name, { dtype, shape, data_offsets: [start, offset] }];
  });
  const text = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(path, Buffer.concat([length, text, ...[...tensors.values()].map((t) => t.bytes)]));
}

test('experts in MXFP4 are exported as bfloat16', async () => {
  const dir = temporaryFolder();
  const base = join(dir, 'base');
  const architecture = {
    ...{ model_type: 'gpt_oss', hidden_size: 64, intermediate_size: 32, num_hidden_layers: 1 },
    ...{ num_attention_heads: 2, head_dim: 32 },
  };
  const made = { output: base, tokenizer: { vocab_size: 264 }, architecture, dtype: 'bfloat16' };
  await runInitModel(commandSchemas['init-model'].parse(made), SILENT);
  const file = join(base, 'model.safetensors');
  const tensors = new Map<string, RawTensor>();
  for (const [name, { shape, bytes }] of readSafetensors(file)) {
    if (!/experts[.](gate_up|down)_proj$/.test(name)) {
      tensors.set(name, { dtype: 'BF16', shape, bytes });
      continue;
    }
    const [count, inputs, rows] = shape as [number, number, number];
    const blocks = [count, rows, inputs / 32];
    const packed = Uint8Array.from({ length: (count * rows * inputs) / 2 }, (_, i) => i * 37);
    const scales = Uint8Array.from({ length: packed.length / 16 }, (_, i) => 121 + (i % 3));
    tensors.set(`${name}_blocks`, { dtype: 'U8', shape: [...blocks, 16], bytes: packed });
    tensors.set(`${name}_scales`, { dtype: 'U8', shape: blocks, bytes: scales });
  }
  writeRaw(file, tensors);
  const config = readJson(join(base, 'config.json')) as JsonRow;
  const quantized = { ...config, quantization_config: { quant_method: 'mxfp4' } };
  writeJson(join(base, 'config.json'), quantized);

  const keys = { model: base, output: join(dir, 'whole'), threads: 2 };
  const { output, dtype } = await runExport(commandSchemas.export.parse(keys), SILENT);
  expect(dtype).toBe('bfloat16');
  expect(readFileSync(join(output, 'config.json'), 'utf8')).not.toContain('quantization_config');
  const written = openCheckpoint(output);
  const name = 'model.layers.0.mlp.experts.down_proj';
  const { shape, bytes } = written.tensor(name);
  expect(shape).toEqual([8, 32, 64]);
  // Of the last expert, output 5 of input 7: row 5 of its 64, each one block.
  const row = 7 * 64 + 5;
  const [blocks, scales] = ['blocks', 'scales'].map((end) => tensors.get(`${name}_${end}`)!.bytes);
  const values = fromMxfp4(
    blocks!.subarray(16 * row, 16 * row + 16),
    scales!.subarray(row, row + 1),
  );
  const at = 2 * ((7 * 32 + 7) * 64 + 5);
  expect(bytes.subarray(at, at + 2)).toEqual(values.subarray(2 * 7, 2 * 7 + 2));
  written.close();
});
