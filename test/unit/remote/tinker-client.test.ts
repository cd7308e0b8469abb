/** What the client asks, against what Tinker's own SDK asks for the same: scripts/golden/tinker_requests.py. */
import { expect, it } from 'vitest';
import { endpointSettings, openEndpoint } from '../../../src/endpoint/index.js';
import { openSession } from '../../../src/remote/index.js';
import { readJson } from '../../../src/util/files.js';
import { tinkerService } from '../../support/tinker-service.js';

interface Recorded {
  readonly name: string;
  readonly type: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What the SDK sends of its own defaults; a request without them means the same. */
const DEFAULTS: Readonly<Record<string, object>> = {
  asample: {
    prompt_logprobs: false,
    topk_prompt_logprobs: 0,
    topk_sample_logprobs: 0,
    prompt_alt_tokens_k: 0,
    record_stability_info: false,
  },
};
/** Where this client means something else: it names itself, and replaces a state of the same name. */
const OWN: Readonly<Record<string, object>> = {
  create_session: { tags: ['lorikeet'] },
  save_weights: { overwrite: true },
};

const ADAM = { beta1: 0.9, beta2: 0.95, eps: 1e-12, weight_decay: 0, grad_clip_norm: 0 };

it('asks as the SDK does', async () => {
  const recorded = readJson('test/fixtures/remote/tinker-requests.json') as Recorded[];
  const service = await tinkerService({
    samples: (_prompt, count) => Array.from({ length: count }, () => [11, 12]),
  });
  const endpoint = openEndpoint(endpointSettings({ baseUrl: service.address, env: {} }));
  const { signal } = new AbortController();
  const session = await openSession({ endpoint, signal, patienceMs: 0, log: () => {} });
  const lora = { rank: 16, seed: 42, train_unembed: true, train_mlp: true, train_attn: true };
  const model = await session.createModel('Qwen/Qwen3-8B', lora);
  const lossInputs = { target_tokens: [6, 7, 8], weights: [0, 0.5, 0.5] };
  const pass = await model.forwardBackward([{ input: [5, 6, 7], lossInputs }], 'cross_entropy');
  await model.optimStep({ learning_rate: 0.001, ...ADAM });
  await model.saveState('state-1');
  await model.saveForSampler('final');
  const sampler = await model.sampler();
  const params = { max_tokens: 8, temperature: 1, top_p: 1, top_k: -1, seed: 3 };
  const samples = await sampler.sample([1, 2], 2, params);
  session.close();
  const asked = service.asked
    .map(({ request, headers, body }) => ({
      name: request.replace('POST /api/v1/', ''),
      type: headers['content-type'],
      body: body ?? {},
    }))
    .filter(({ name }) => name !== 'retrieve_future');
  const modelId = { model_id: 'model-create_model' };
  const expected = recorded.map(({ name, type, body }) => ({
    name,
    type,
    body: { ...body, ...('model_id' in body && modelId), ...OWN[name] },
  }));
  expect(
    asked.map((each) => ({ ...each, body: { ...DEFAULTS[each.name], ...each.body } })),
  ).toEqual(expected);
  expect(pass).toEqual({ metrics: { 'loss:sum': 1 }, logprobs: [[-1, -1, -1]] });
  expect(samples).toEqual([
    { tokens: [11, 12], logprobs: [-0.5, -0.5], stopReason: 'stop' },
    { tokens: [11, 12], logprobs: [-0.5, -0.5], stopReason: 'stop' },
  ]);
});
