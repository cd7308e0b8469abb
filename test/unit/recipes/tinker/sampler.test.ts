/** Completions of weights at Tinker have the text that those of our own sampler have. */
import { expect, it } from 'vitest';
import { openTinkerSampler } from '../../../../src/recipes/tinker/sampler.js';
import type { TinkerModel } from '../../../../src/remote/index.js';
import { PLAIN_SAMPLING } from '../../../../src/rollout/index.js';
import { loadTokenizer, writeByteTokenizer } from '../../../../src/tokenizer/index.js';
import { temporaryFolder } from '../../../support/temporary.js';

it('a text ends before its stop string, its ids behind it', async () => {
  const dir = temporaryFolder();
  writeByteTokenizer(dir, {});
  const tokenizer = await loadTokenizer(dir);
  const encoded = (text: string) => tokenizer.encode(text, { addSpecialTokens: false });
  const sampled = [encoded('so 4\n\n'), [...encoded('so 5'), tokenizer.eosId!], encoded('so 6')];
  const sample = async () =>
    sampled.map((tokens) => ({ tokens, logprobs: tokens.map(() => -1), stopReason: 'stop' }));
  const model = { modelId: 'm', sampler: async () => ({ sample }) } as unknown as TinkerModel;
  const sampler = await openTinkerSampler(model, { step: 1, tokenizer });
  const params = { ...PLAIN_SAMPLING, maxNewTokens: 9, seed: 0, stopStrings: ['\n\n'] };
  const made = await sampler.generate([{ id: 'a', promptIds: [1], n: 3 }], params);
  expect(made.map(({ text }) => text)).toEqual(['so 4', 'so 5', 'so 6']);
  expect(made.map(({ ids }) => ids)).toEqual(sampled);
});
