/** Training at Tinker against its protocol on loopback. */
import { readdirSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { float32s, int32s } from '../../../src/remote/tinker/tensors.js';
import { loadTokenizer, writeByteTokenizer } from '../../../src/tokenizer/index.js';
import { readJson, readJsonl, toJsonl } from '../../../src/util/files.js';
import {
  type TinkerService,
  type TinkerServiceOptions,
  tinkerService,
} from '../../support/tinker-service.js';
import { remoteRuns } from './remote-runs.js';

const KEY = 'tml-loopback-0123456789abcdef';

const { at, inRun, run } = remoteRuns('TINKER_API_KEY', KEY);
let service: TinkerService;

beforeEach(() => {
  writeByteTokenizer(at('tokenizer'));
  const rows = Array.from({ length: 4 }, () => ({
    question: '2+2?',
    completion: '4',
    answer: '4',
  }));
  writeFileSync(at('rows.jsonl'), toJsonl(rows));
});

const start = async (options: TinkerServiceOptions = {}) => {
  service = await tinkerService(options);
};

const tinker = (words: readonly string[], signal?: AbortSignal) =>
  run(
    [
      ...['tinker', `base_url=${service.address}`, `output_dir=${at('run')}`],
      ...['model=Qwen/Qwen3-8B', `tokenizer=${at('tokenizer')}`, `dataset=${at('rows.jsonl')}`],
      ...['batch_size=2', 'lr_scheduler_type=constant', 'learning_rate=0.001', ...words],
    ],
    signal,
  );

const ids = (bytes: Uint8Array) =>
  [...new BigInt64Array(Uint8Array.from(bytes).buffer)].map(Number);

/** Of each prompt two right and two wrong answers. */
async function answers(): Promise<NonNullable<TinkerServiceOptions['samples']>> {
  const tokenizer = await loadTokenizer(at('tokenizer'));
  const [right, wrong] = ['4', '5'].map((text) => [
    ...tokenizer.encode(text).filter((id) => id !== tokenizer.bosId),
    tokenizer.eosId as number,
  ]);
  return (_prompt, count) =>
    Array.from({ length: count }, (_, i) => (i % 2 === 0 ? right! : wrong!));
}

const GRPO = ['grpo', 'num_generations=4', 'max_completion_length=8', 'max_steps=2'];
const REWARD = (path: string) => `rewards=[{name: right, grader: ${path}}]`;

const grader = () => {
  const path = at('grader.json');
  const spec = {
    type: 'string_check',
    name: 'right',
    operation: 'eq',
    input: '{{sample.output_text}}',
    reference: '{{item.answer}}',
  };
  writeFileSync(path, JSON.stringify(spec));
  return REWARD(path);
};

describe('sft', () => {
  it('trains the tokens of the answers, steps, saves, and writes a run folder', async () => {
    await start();
    const done = await tinker(['sft', 'num_train_epochs=1', 'lora_rank=16', 'max_grad_norm=1']);
    expect(done).toMatchObject({ code: 0 });
    const result = JSON.parse(done.out);
    expect(result).toMatchObject({ steps: 2, model_id: 'model-create_model', loss: 1 });
    expect(result.sampler_path).toMatch(/^tinker:.*save_weights_for_sampler/);
    const [create] = service.of('create_model');
    expect(create?.body).toEqual({
      type: 'create_model',
      session_id: 'session-1',
      model_seq_id: 0,
      base_model: 'Qwen/Qwen3-8B',
      lora_config: { rank: 16, seed: 42, train_unembed: true, train_mlp: true, train_attn: true },
      optimizer_config: { type: 'adamw' },
    });
    expect(create?.headers['x-api-key']).toBe(KEY);
    expect(create?.headers.authorization).toBeUndefined();
    const [first] = service.passes();
    expect(first).toMatchObject({
      modelId: 'model-create_model',
      seqId: 1,
      lossFn: 'cross_entropy',
    });
    const { target_tokens, weights } = first!.data[0]!.lossFnInputs;
    const tokenizer = await loadTokenizer(at('tokenizer'));
    const trained = ids(target_tokens!.dense).filter((_, i) => float32s(weights!.dense)[i] !== 0);
    expect(tokenizer.decode(trained)).toBe('4<|eos|>');
    const input = int32s(first!.data[0]!.modelInput[0]!.encodedText.tokens);
    expect(input.slice(1)).toEqual(ids(target_tokens!.dense).slice(0, -1));
    const total = first!.data.flatMap(({ lossFnInputs }) => float32s(lossFnInputs.weights!.dense));
    expect(total.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    const steps = service.of('optim_step').map(({ body }) => body);
    expect(steps[0]).toMatchObject({
      seq_id: 2,
      adam_params: {
        learning_rate: 0.001,
        beta1: 0.9,
        beta2: 0.95,
        eps: 1e-12,
        weight_decay: 0,
        grad_clip_norm: 1,
      },
    });
    const rows = readJsonl(inRun('metrics.jsonl'));
    expect(rows.map(({ step, loss }) => [step, loss])).toEqual([
      [1, 1],
      [2, 1],
    ]);
    expect(readJson(inRun('tinker.json'))).toMatchObject({ states: [{ step: 2 }] });
    expect(readJson(inRun('run.json'))).toMatchObject({ status: 'done', command: 'tinker' });
  });

  it('sends a request again with its key when the connection breaks, and waits for results', async () => {
    await start({
      trouble: (name, times) => {
        if (name === 'forward_backward' && times === 0) return 'close';
        if (name === 'retrieve_future' && times === 1) return { status: 503, body: {} };
        return null;
      },
    });
    expect(await tinker(['sft', 'max_steps=1'])).toMatchObject({ code: 0 });
    const [lost, again] = service.of('forward_backward');
    expect(again?.headers['x-idempotency-key']).toBe(lost?.headers['x-idempotency-key']);
    expect(again?.bytes.equals(lost!.bytes)).toBe(true);
  });

  it('goes on from the last state after Ctrl-C', async () => {
    const stop = new AbortController();
    await start({
      trouble: (name, times) => {
        if (name === 'optim_step' && times === 0) stop.abort('SIGINT');
        return null;
      },
    });
    const stopped = await tinker(['sft', 'max_steps=3'], stop.signal);
    expect(stopped.code).toBe(130);
    expect(stopped.err).toMatch(/stopped after step 1 of 3.*resume=auto/);
    const { path } = (readJson(inRun('tinker.json')) as { states: { path: string }[] }).states[0]!;
    const done = await tinker(['sft', 'max_steps=3', 'resume=auto']);
    expect(done).toMatchObject({ code: 0 });
    expect(service.of('load_weights').map(({ body }) => body)).toMatchObject([
      { path, optimizer: true, session_id: 'session-1', model_seq_id: 0 },
    ]);
    expect(service.of('create_model')).toHaveLength(1);
    expect(readJsonl(inRun('metrics.jsonl')).map(({ step }) => step)).toEqual([1, 2, 3]);
  });

  it('names the record that is broken, and sends nothing', async () => {
    await start();
    expect(await tinker(['sft', 'max_steps=1'])).toMatchObject({ code: 0 });
    const record = readJson(inRun('tinker.json')) as { states: object[] };
    writeFileSync(inRun('tinker.json'), JSON.stringify({ ...record, states: [{ step: 1 }] }));
    const passes = service.passes().length;
    const again = await tinker(['sft', 'max_steps=2', 'resume=auto']);
    expect(again.code).toBe(2);
    expect(again.err).toMatch(/tinker.json: states: row 1: field "tokens" is missing/);
    expect(service.passes()).toHaveLength(passes);
  });

  it.each([
    [{ status: 401, body: { detail: `no such key: ${KEY}` } }, 'create_session', /answered 401/],
    [
      { status: 200, body: { error: 'out of memory', category: 'server' } },
      'retrieve_future',
      /out of memory/,
    ],
  ])('ends with the words of the service: %j', async (trouble, at, message) => {
    await start({ trouble: (name) => (name === at ? trouble : null) });
    const done = await tinker(['sft', 'max_steps=1']);
    expect(done.code).toBe(1);
    expect(done.err).toMatch(message);
  });

  it('takes a result whose error is null for a result', async () => {
    await start({ isErrorNull: true });
    expect(await tinker(['sft', 'max_steps=1'])).toMatchObject({ code: 0 });
  });

  it('asks for a key before anything else', async () => {
    await start();
    vi.stubEnv('TINKER_API_KEY', '');
    const done = await tinker(['sft']);
    expect(done.code).toBe(2);
    expect(done.err).toContain('TINKER_API_KEY is not set');
    expect(service.asked).toEqual([]);
  });
});

describe('grpo', () => {
  it('samples from the weights of the step, grades here, and sends advantages on sampled tokens', async () => {
    await start({ samples: await answers() });
    const done = await tinker([...GRPO, grader()]);
    expect(done).toMatchObject({ code: 0 });
    expect(JSON.parse(done.out)).toMatchObject({ steps: 2, reward: 0.5 });
    expect(service.of('asample').map(({ body }) => body?.num_samples)).toEqual([4, 4, 4, 4]);
    expect(service.of('asample')[0]?.body).toMatchObject({
      sampling_session_id: 'sampling-1',
      seq_id: 0,
      sampling_params: { max_tokens: 8, temperature: 1, top_p: 1, top_k: -1 },
    });
    const samplers = service.of('save_weights_for_sampler').map(({ body }) => body);
    expect(samplers.map((body) => body?.sampling_session_seq_id)).toEqual([0, 1, undefined]);
    const [pass] = service.passes();
    expect(pass).toMatchObject({ lossFn: 'importance_sampling', lossFnConfig: {} });
    expect(pass?.data).toHaveLength(8);
    // Rewards 1, 0, 1, 0: ±1 after centring and scaling by the group's deviation; 16 tokens in the step.
    const { advantages, logprobs } = pass!.data[0]!.lossFnInputs;
    const sent = float32s(advantages!.dense);
    const deviation = Math.sqrt(1 / 3);
    expect(sent.slice(-2).map((value) => value * 16)).toEqual([
      expect.closeTo(0.5 / (deviation + 1e-4), 3),
      expect.closeTo(0.5 / (deviation + 1e-4), 3),
    ]);
    expect(sent.slice(0, -2).every((value) => value === 0)).toBe(true);
    expect(float32s(logprobs!.dense).slice(-2)).toEqual([-0.5, -0.5]);
    const [row] = readJsonl(inRun('metrics.jsonl'));
    expect(row).toMatchObject({
      reward: 0.5,
      'rewards/right/mean': 0.5,
      learnt_completions: 8,
      'sampling/sampling_logp_difference/mean': 0.5,
    });
    expect(readJsonl(inRun('samples.jsonl'))).toHaveLength(16);
  });

  it('stops before it pays for learning where a reward fails on every completion', async () => {
    await start({ samples: await answers() });
    const file = at('broken.mjs');
    writeFileSync(file, 'export const mine = () => { throw new Error("boom"); };');
    const done = await tinker([...GRPO, `rewards=[{name: mine, file: ${file}}]`]);
    expect(done.code).not.toBe(0);
    expect(done.err).toMatch(/no completion could be graded: mine \(.*boom/);
    expect(service.of('forward_backward')).toEqual([]);
  });

  it('learns nothing from groups of one reward, and clips with ppo', async () => {
    await start({ samples: await answers() });
    const all = `rewards=[{name: right, weight: 0, grader: ${at('grader.json')}}]`;
    grader();
    expect(await tinker([...GRPO, all])).toMatchObject({ code: 0 });
    expect(service.of('forward_backward')).toEqual([]);
    const ppo = ['loss_type=ppo', 'epsilon=0.1', 'num_iterations=2', 'overwrite=true'];
    expect(await tinker([...GRPO, grader(), ...ppo, 'max_steps=1'])).toMatchObject({ code: 0 });
    expect(service.passes()).toMatchObject([
      { lossFn: 'ppo', lossFnConfig: { clip_low_threshold: 0.9, clip_high_threshold: 1.1 } },
      { lossFn: 'ppo' },
    ]);
    expect(service.of('optim_step')).toHaveLength(2);
  });
});

describe('a run folder', () => {
  it('in use is refused before rows are read', async () => {
    await start();
    expect(await tinker(['sft', 'max_steps=1'])).toMatchObject({ code: 0 });
    const again = await tinker(['sft', 'max_steps=1']);
    expect(again.code).toBe(2);
    expect(again.err).toMatch(/the folder is in use by run .*resume=auto/);
    expect(again.err).not.toContain('data: ');
  });

  it('has no keys of sampling here: the service samples', async () => {
    await start();
    for (const key of ['rollout_device=cpu', 'rollout_precision=float32', 'batch_size=4']) {
      const done = await tinker(['sft', `eval.dataset.path=${at('rows.jsonl')}`, `eval.${key}`]);
      expect(done.code).toBe(2);
      expect(done.err).toContain(`eval.${key.split('=')[0]}`);
    }
    expect(service.asked).toEqual([]);
  });

  const EVALUATION = (path: string) => [
    ...['eval_steps=1', `eval.dataset.path=${path}`, 'eval.max_new_tokens=8'],
    `eval.grader_file=${at('grader.json')}`,
  ];

  it('has the files and names of a local one: trackers, groups, evaluations, alarms', async () => {
    await start({ samples: await answers() });
    const keys = ['alarms={reward: [0.9, null], completions/clipped_ratio: [null, 0.3]}'];
    const path = at('rows.jsonl');
    const done = await tinker([
      ...GRPO,
      grader(),
      ...EVALUATION(path),
      ...keys,
      'verbose=true',
      'logging_steps=1',
      'stage=rl',
    ]);
    expect(done).toMatchObject({ code: 0 });
    expect(JSON.parse(done.out)).toMatchObject({ steps: 2, correct: 4, eval_size: 4, accuracy: 1 });
    expect(done.err).toMatch(/step 1\/2 {2}epoch/);
    const rows = readJsonl(inRun('metrics.jsonl'));
    expect(rows.map((row) => [row['eval/accuracy'], row['eval/score']])).toEqual([
      [1, 1],
      [1, 1],
    ]);
    const names = ['loss', 'grad_norm', 'rollout_time', 'sync_ms', 'samples/batch_mean_reward'];
    expect(names.filter((name) => typeof rows[0]![name] !== 'number')).toEqual([]);
    expect(rows[0]).toMatchObject({ loss: 1, grad_norm: 0.25, 'tinker/loss:sum': 1 });
    const groups = readJsonl(inRun('samples_by_group.jsonl'));
    expect(groups).toHaveLength(4);
    expect(groups[0]).toMatchObject({
      step: 1,
      problem: '2+2?',
      ground_truth: '4',
      responses: [{ text: '4', reward: 1 }, { text: '5', reward: 0 }, { text: '4' }, { text: '5' }],
    });
    expect(readJsonl(inRun('samples.jsonl'))[0]).toMatchObject({
      step: 1,
      completion: '4',
      question: '2+2?',
      gold: '4',
      adapter: 'model-create_model/0',
    });
    const files = readdirSync(at('run'), { recursive: true }).map(String);
    expect(files).toEqual(
      expect.arrayContaining([
        ...['eval/samples_step_1.csv', 'eval/samples_step_2.csv', 'report.html', 'tinker.json'],
        expect.stringMatching(/^tensorboard\/events\.out/),
        expect.stringMatching(/^debug\/rl_.*\.csv$/),
        expect.stringMatching(/^debug\/rl_.*_metrics\.txt$/),
      ]),
    );
  });

  it('says what leaves its healthy range', async () => {
    await start({ samples: await answers() });
    const keys = ['num_generations=4', 'max_completion_length=8', 'max_steps=6', 'report_to=none'];
    const alarms = 'alarms={sampling/sampling_logp_difference/mean: [null, 0.1]}';
    const done = await tinker(['grpo', ...keys, grader(), alarms]);
    expect(done).toMatchObject({ code: 0 });
    expect(done.err).toMatch(/warning: step 5: .*logp_difference_high/);
    expect(readJson(inRun('run.json'))).toMatchObject({
      alarms: [{ step: 5, name: 'logp_difference_high', value: 0.5, bound: 0.1 }],
    });
    expect(readdirSync(at('run'))).not.toContain('tensorboard');
  });

  it('ends by its evaluations, and goes on with their history', async () => {
    await start({ samples: await answers() });
    grader();
    const sft = ['sft', 'max_steps=4', 'report_to=none', ...EVALUATION(at('rows.jsonl'))];
    const done = await tinker([...sft, 'early_stopping_patience=1']);
    expect(JSON.parse(done.out)).toMatchObject({ steps: 2, ended_by: 'early_stopping_patience' });
    expect(readJson(inRun('tinker.json'))).toMatchObject({
      states: [
        {
          step: 2,
          evaluations: [
            { step: 1, value: 1 },
            { step: 2, value: 1 },
          ],
        },
      ],
    });
    const further = await tinker([...sft, 'early_stopping_patience=2', 'resume=auto']);
    expect(JSON.parse(further.out)).toMatchObject({
      steps: 3,
      ended_by: 'early_stopping_patience',
    });
    expect(further.err).toContain('early_stopping_patience is 2, was 1 before');
    const reached = await tinker([...sft, 'overwrite=true', 'stop_at_accuracy=1']);
    expect(JSON.parse(reached.out)).toMatchObject({ steps: 1, ended_by: 'stop_at_accuracy' });
  });

  it('holds rows out, which are then evaluated on', async () => {
    await start({ samples: await answers() });
    const done = await tinker([...GRPO, grader(), 'eval_samples=1', 'report_to=none']);
    expect(done.err).toContain('1 row held out for evaluation');
    expect(JSON.parse(done.out)).toMatchObject({ eval_size: 1 });
    const sft = await tinker(['sft', 'eval_samples=1', 'overwrite=true']);
    expect(sft.code).toBe(2);
    expect(sft.err).toContain('eval_samples: sft trains on all rows of dataset');
  });
});
