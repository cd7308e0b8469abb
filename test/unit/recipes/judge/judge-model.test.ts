/** A model folder as the judge: constrained, repeatable, counted and kept; what it cannot take is said. */
import { cpSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gradeSchema, loadConfig } from '../../../../src/config/index.js';
import type { GradeChecks, GradeSummary } from '../../../../src/recipes/grade/results.js';
import { runGrade } from '../../../../src/recipes/grade.js';
import { gathered } from '../../../../src/recipes/judge/gathered.js';
import { judgeModels } from '../../../../src/recipes/judge/judge-model.js';
import {
  type ModelEndpoint,
  openModelEndpoint,
} from '../../../../src/recipes/judge/model-endpoint.js';
import { toJsonl } from '../../../../src/util/files.js';
import { logInto, SILENT } from '../../../support/context.js';
import { filesIn } from '../../../support/files-in.js';
import { startServer } from '../../../support/model-server.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { tinyTraining, withOtherEnds } from '../../../support/tiny-training.js';

const { dir, at, jsonl } = filesIn(temporaryFolder());
const { base: model } = tinyTraining(dir);
let context = SILENT;

const TEXTS = ['2 + 2 = 4', 'five', '', 'x'.repeat(20), '12', 'a\ud800b', '7 * 6'];
const score = {
  type: 'score_model',
  name: 'judge',
  model: 'local',
  range: [0.25, 3],
  input: [{ role: 'user', content: 'Score {{sample.output_text}}:' }],
};
const label = {
  type: 'label_model',
  name: 'judge',
  model: 'local',
  labels: ['good', 'bad'],
  passing_labels: ['good'],
  input: score.input,
};

async function graded(grader: object, ...words: string[]) {
  writeFileSync(at('g.json'), JSON.stringify(grader));
  writeFileSync(at('in.jsonl'), toJsonl(TEXTS.map((completion) => ({ completion }))));
  const judge = [`judge.model_path=${model}`, 'judge.prompt_template={prompt}'];
  const limits = ['judge.max_new_tokens=24', 'judge.cache_dir=null', 'overwrite=true'];
  const files = [
    `grader_file=${at('g.json')}`,
    `input=${at('in.jsonl')}`,
    `output=${at('out.jsonl')}`,
  ];
  const config = loadConfig(gradeSchema, { overrides: [...judge, ...limits, ...files, ...words] });
  const summary = (await runGrade(config, context)) as GradeSummary;
  const rows = jsonl('out.jsonl');
  return { summary, rows, scores: rows.map((row) => row.score) };
}

describe('score_model', () => {
  it('gives numbers of the range, the same in every batch', async () => {
    const { scores, summary } = await graded(score);
    for (const each of scores) {
      expect(each).toBeGreaterThanOrEqual(0.25);
      expect(each).toBeLessThanOrEqual(3);
    }
    expect(new Set(scores).size).toBeGreaterThan(1);
    expect(summary.statuses).toMatchObject({ ok: TEXTS.length });
    expect(summary.endpoint).toMatchObject({ requests: TEXTS.length, cached: 0, failed: 0 });
    expect(summary.endpoint!.completion_tokens).toBeGreaterThan(TEXTS.length);
    expect((await graded(score, 'concurrency=1')).scores).toEqual(scores);
  });

  it('draws by the seed of the grader where it has a temperature', async () => {
    const drawn = (seed: number) => ({ ...score, sampling_params: { temperature: 2, seed } });
    const first = await graded(drawn(1));
    expect((await graded(drawn(1), 'concurrency=1')).scores).toEqual(first.scores);
    expect((await graded(drawn(2))).scores).not.toEqual(first.scores);
  });

  it('keeps its answers, each for what it was computed in', async () => {
    const cache = `judge.cache_dir=${at('cache')}`;
    const { scores } = await graded(score, cache);
    const again = await graded(score, cache);
    expect(again.scores).toEqual(scores);
    expect(again.summary.endpoint).toMatchObject({ cached: TEXTS.length, completion_tokens: 0 });
    const copied = at('copied');
    cpSync(model, copied, { recursive: true });
    const copy = await graded(score, cache, `judge.model_path=${copied}`);
    expect(copy.summary.endpoint).toMatchObject({ cached: TEXTS.length });
    const ends = withOtherEnds(model, at('ends'));
    const other = await graded(score, cache, `judge.model_path=${ends}`);
    expect(other.summary.endpoint).toMatchObject({ cached: 0 });
    const coarser = await graded(score, cache, 'judge.rollout_precision=int8');
    expect(coarser.summary.endpoint).toMatchObject({ cached: 0 });
  });
});

it('is counted together with the server of embeddings', async () => {
  const usage = { prompt_tokens: 100, completion_tokens: 0 };
  const server = await startServer(({ body }) => {
    const data = (body!.input as string[]).map((_, index) => ({ index, embedding: [1, index] }));
    return { body: { data, usage } };
  });
  const alike = {
    ...{ type: 'text_similarity', name: 'alike', evaluation_metric: 'cosine' },
    ...{ input: '{{sample.output_text}}', reference: 'four' },
  };
  const both = {
    ...{ type: 'multi', name: 'both', calculate_output: 'judge + alike' },
    graders: { judge: score, alike },
  };
  const embeddings = ['judge.embedding_model=e', `judge.base_url=${server.baseUrl}`];
  const words = [...embeddings, 'judge.price_input=1000', 'judge.price_output=0'];
  const alone = (await graded(score)).summary.endpoint!;
  const { endpoint } = (await graded(both, ...words)).summary;
  const asked = server.asked.length;
  expect(asked).toBeGreaterThan(0);
  expect(endpoint).toMatchObject({
    requests: alone.requests + asked,
    prompt_tokens: alone.prompt_tokens + 100 * asked,
    cost: (100 * asked * 1000) / 1e6,
  });
});

it('says which keys of a server it has no use for', async () => {
  const logged: string[] = [];
  const words = ['judge.timeout_s=5', 'judge.price_input=1'];
  context = logInto(logged);
  const { summary } = await graded(score, ...words);
  context = SILENT;
  expect(logged.join()).toMatch(/judge.timeout_s, judge.price_input: of no effect/);
  expect(summary.endpoint!.cost).toBeNull();
});

describe('label_model', () => {
  it('says one of the labels', async () => {
    const { rows, summary } = await graded(label);
    expect(summary.statuses).toMatchObject({ ok: TEXTS.length });
    for (const row of rows) expect([0, 1]).toContain(row.score);
  });
});

it('is opened once to be validated and stressed', async () => {
  writeFileSync(at('checked.json'), JSON.stringify(score));
  writeFileSync(at('gold.jsonl'), toJsonl([{ prompt: '2 + 2 =', answer: '4' }]));
  const words = [
    `grader_file=${at('checked.json')}`,
    `input=${at('gold.jsonl')}`,
    'gold={{item.answer}}',
  ];
  const judge = [
    `judge.model_path=${model}`,
    'judge.prompt_template={prompt}',
    'judge.cache_dir=null',
  ];
  const overrides = [...words, ...judge, 'judge.max_new_tokens=24', 'validate=true', 'stress=true'];
  const logged: string[] = [];
  const listening = logInto(logged);
  const checks = (await runGrade(loadConfig(gradeSchema, { overrides }), listening)) as GradeChecks;
  expect(checks.gold).toMatchObject([{ rows: 1 }]);
  expect(checks.stress!.attacks.length).toBeGreaterThan(5);
  expect(logged.filter((line) => line.startsWith('judge: '))).toHaveLength(1);
  expect(judgeModels.size).toBe(0);
}, 60_000);

describe('what it cannot take', () => {
  it('is a status of the row: a prompt or an answer that is too long, a field', async () => {
    const long = { ...score, input: [{ role: 'user', content: 'word '.repeat(100) }] };
    const { rows } = await graded(long);
    expect(rows[0]).toMatchObject({ score: null, status: 'error' });
    expect(rows[0]!.reason).toMatch(/the judge's context 128. Shorten .* judge.max_context/);
    const cut = await graded(label, 'judge.max_new_tokens=3');
    expect(cut.rows[0]!.reason).toMatch(/is cut at its token limit/);
    const effort = { ...score, sampling_params: { reasoning_effort: 'high' } };
    const refused = await graded(effort);
    expect(refused.summary.statuses).toMatchObject({ error: TEXTS.length });
    expect(refused.rows[0]!.reason).toMatch(/does not know the field "reasoning_effort"/);
  });

  it('is refused before anything is written', async () => {
    const call = graded(score, 'judge.max_new_tokens=128');
    await expect(call).rejects.toThrow("no room for a prompt in the judge's context of 128");
    await expect(graded(score, `judge.model_path=${at('none')}`)).rejects.toThrow('none');
    const cosine = {
      type: 'text_similarity',
      evaluation_metric: 'cosine',
      input: '{{sample.output_text}}',
      reference: 'x',
    };
    await expect(graded(cosine)).rejects.toThrow('cosine needs embeddings');
  });
});

describe('a model that several endpoints ask', () => {
  const options = () => ({ model, context: SILENT, threads: 1 });
  const { judge } = loadConfig(gradeSchema, {
    overrides: [
      'validate=true',
      'judge.prompt_template={prompt}',
      'judge.max_new_tokens=8',
      'judge.cache_dir=null',
    ],
  });
  const asks = ({ endpoint }: ModelEndpoint, content: string) =>
    endpoint.post('/chat/completions', { messages: [{ role: 'user', content }] });

  it('is open once, counts for each by itself, and is freed with the last', async () => {
    const first = await openModelEndpoint(judge, options());
    const second = await openModelEndpoint(judge, options());
    expect(judgeModels.size).toBe(1);
    const [a, b] = await Promise.all([asks(first, '2 + 2'), asks(second, '2 + 2')]);
    expect(b.body.choices).toEqual(a.body.choices);
    first.close();
    expect(judgeModels.size).toBe(1);
    await asks(second, '7');
    expect([first, second].map(({ endpoint }) => endpoint.stats().requests)).toEqual([1, 2]);
    second.close();
    expect(judgeModels.size).toBe(0);
  });

  it('goes on for others when the signal of one stops', async () => {
    const controller = new AbortController();
    const stopped = await openModelEndpoint(judge, {
      ...options(),
      context: { ...SILENT, signal: controller.signal },
    });
    const other = await openModelEndpoint(judge, options());
    controller.abort(new Error('stopped'));
    const results = await Promise.allSettled([asks(stopped, 'one'), asks(other, 'one')]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    stopped.close();
    other.close();
    expect(judgeModels.size).toBe(0);
  });

  it('is another where it is opened otherwise', async () => {
    const one = await openModelEndpoint(judge, options());
    const longer = await openModelEndpoint({ ...judge, max_new_tokens: 9 }, options());
    expect(judgeModels.size).toBe(2);
    one.close();
    longer.close();
    expect(judgeModels.size).toBe(0);
  });
});

describe('gathered', () => {
  it('makes one call of those that wait, each key its own, and fails with them', async () => {
    const calls: string[][] = [];
    const one = gathered(
      async (items: readonly string[]) => {
        calls.push([...items]);
        if (items.includes('b!')) throw new Error('broken');
        return items.map((item) => item.toUpperCase());
      },
      (item) => item[0]!,
    );
    const results = await Promise.allSettled(['a', 'b', 'a2', 'b!'].map(one));
    expect(calls).toEqual([
      ['a', 'a2'],
      ['b', 'b!'],
    ]);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
    ]);
    expect(await one('c')).toBe('C');
  });
});
