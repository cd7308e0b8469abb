/** Which tensors a checkpoint may hold beyond those of its architecture. */
import { expect, it } from 'vitest';
import { EMBEDDING, LM_HEAD } from '../../../../src/model/spec-modules.js';
import { checkUnused } from '../../../../src/recipes/inputs/unused-tensors.js';
import { fromFloat32, openCheckpoint, writeCheckpoint } from '../../../../src/weights/index.js';
import { temporaryFolder } from '../../../support/temporary.js';

const tensor = (...values: number[]) => fromFloat32(Float32Array.from(values), [values.length]);

/** What is said of a checkpoint with tied embeddings that holds these tensors, too. */
function said(unused: Readonly<Record<string, ReturnType<typeof tensor>>>): string[] {
  const dir = temporaryFolder();
  writeCheckpoint(dir, new Map(Object.entries({ [EMBEDDING]: tensor(1, 2), ...unused })));
  const checkpoint = openCheckpoint(dir);
  const lines: string[] = [];
  try {
    checkUnused(checkpoint, Object.keys(unused), (line) => lines.push(line.replace(dir, 'DIR')));
  } finally {
    checkpoint.close();
  }
  return lines;
}

it('takes buffers that follow from config.json, and a head that equals the embeddings', () => {
  const buffer = 'model.layers.0.self_attn.rotary_emb.inv_freq';
  expect(said({ [buffer]: tensor(1), [LM_HEAD]: tensor(1, 2) })).toEqual([]);
});

it('names what stands behind the decoder', () => {
  expect(said({ 'v_head.summary.weight': tensor(1), 'score.weight': tensor(1) })).toEqual([
    'model: not used of DIR: "v_head.summary.weight", "score.weight"',
  ]);
});

it.each([
  ['model.layers.0.self_attn.q_proj.bias'],
  ['model.layers.2.mlp.up_proj.weight'],
  ['lm_head.bias'],
])('refuses %s, which the model would compute without', (name) => {
  expect(() => said({ [name]: tensor(1), 'score.weight': tensor(1) })).toThrow(
    `model.safetensors: the model that config.json describes has no tensor "${name}".`,
  );
});

it('refuses a head that differs from the embeddings it is tied to', () => {
  expect(() => said({ [LM_HEAD]: tensor(1, 3) })).toThrow(
    'model.safetensors: "lm_head.weight" differs from "model.embed_tokens.weight", to which config.json ties it. Set tie_word_embeddings',
  );
});
