/** `predict` on a server and here: files, what is asked, what is taken from disk, what is refused. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig, predictSchema } from '../../../src/config/index.js';
import { sanitised } from '../../../src/recipes/predict/prediction-files.js';
import { runPredict } from '../../../src/recipes/predict.js';
import { InputError } from '../../../src/util/errors.js';
import { type JsonRow, readJson, readJsonl, toJsonl } from '../../../src/util/files.js';
import { logInto, SILENT } from '../../support/context.js';
import { refusalOf, rejectionOf } from '../../support/failures.js';
import { startServer, type TestServer } from '../../support/model-server.js';
import { temporaryFolder } from '../../support/temporary.js';

const dir = temporaryFolder();
let server: TestServer;

const ROWS = ['fever', 'anemia', 'gout'].map((gold) => ({
  messages: [{ role: 'user', content: `What is ${gold}?` }],
  reference_answer: gold,
  seconds: 30,
  reasoning: 'of the row',
}));
const input = join(dir, 'rows.jsonl');
writeFileSync(input, toJsonl(ROWS));

const logs: string[] = [];
const context = logInto(logs);

/** Repeats the word of the question, one of them with a capital. */
const answered = (body: JsonRow) => {
  const { content } = (body.input as JsonRow[]).at(-1) as { content: string };
  const text = content.slice(8, -1) === 'gout' ? 'Gout' : content.slice(8, -1);
  return {
    model: 'o4-mini',
    status: 'completed',
    output: [
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'first' }, { text: 'then' }] },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] },
    ],
    usage: { input_tokens: 5, output_tokens: 9, output_tokens_details: { reasoning_tokens: 7 } },
  };
};

async function predict(...words: string[]) {
  const overrides = [
    ...['model=o4-mini', 'engine=server', 'server.api=responses', 'reasoning_effort=medium'],
    ...[`input=${input}`, `output_dir=${join(dir, 'out')}`, 'subset=val', 'n_runs=2'],
    ...[`server.base_url=${server.baseUrl}`, 'server.max_attempts=1'],
    ...words,
  ];
  logs.splice(0);
  return runPredict(loadConfig(predictSchema, { overrides, env: {} }), context);
}
const file = (name: string) => readJson(join(dir, 'out', name));

describe('predict engine=server', () => {
  it('asks nothing where a judge is missing', async () => {
    server = await startServer(({ body }) => ({ body: answered(body as JsonRow) }));
    const grader = join(dir, 'judge.json');
    const input = [{ role: 'user', content: '{{sample.output_text}}' }];
    writeFileSync(grader, JSON.stringify({ type: 'score_model', name: 'j', model: 'm', input }));
    const judged = predict(`graders=[{name: j, grader: ${grader}}]`, `output_dir=${dir}/judged`);
    const { message } = await rejectionOf(InputError, judged);
    expect(message).toContain('j: a model grader needs a judge, and none is named');
    expect(server.asked).toEqual([]);
  });

  it('asks each row once a run, with the effort, and keeps tokens and summaries', async () => {
    server = await startServer(({ body }) => ({ body: answered(body as JsonRow) }));
    const result = await predict('graders=[{name: medical_exact}, {name: medical_fuzzy}]');
    expect(server.asked).toHaveLength(6);
    expect(server.asked[0]?.body).toMatchObject({
      model: 'o4-mini',
      reasoning: { effort: 'medium', summary: 'detailed' },
    });
    expect(result).toMatchObject({
      samples: 6,
      graders: { medical_exact: { accuracy: 2 / 3, runs: [2 / 3, 2 / 3] } },
    });
    expect(result.graders.medical_fuzzy?.accuracy).toBe(1);
    expect(logs).toContain('medical_exact, run 2: accuracy 66.7%');
    for (const [, path] of logs.flatMap((line) => [...line.matchAll(/ in (\S+)$/g)])) {
      expect(existsSync(path!), path).toBe(true);
    }
    const stem = 'val_simple_o4-mini_medium';
    expect(file(`${stem}_predictions_run1.json`)).toEqual(
      ['fever', 'anemia', 'Gout'].map((text, i) => ({
        model_prediction: text,
        input: ROWS[i],
        reasoning_tokens_used: 7,
        reference_answer: ROWS[i]?.reference_answer,
        summaries: 'first\n\nthen',
      })),
    );
    expect(file(`${stem}_medical_exact_predictions_run_2_metrics.json`)).toEqual({
      total_samples: 3,
      accuracy: 2 / 3,
      failed: {},
    });
    const scored = file(`${stem}_medical_exact_predictions_run_2_scored.json`) as JsonRow[];
    expect(scored.map(({ score, status }) => [score, status])).toEqual([
      ...[1, 1, 0].map((score) => [score, 'ok']),
    ]);
  });

  it('says how many predictions max_new_tokens has cut, also of those from disk', async () => {
    server = await startServer(({ body }) => {
      const { content } = ((body as JsonRow).input as JsonRow[]).at(-1) as { content: string };
      const isCut = content.includes('gout');
      const end = isCut
        ? { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }
        : {};
      return { body: { ...answered(body as JsonRow), ...end } };
    });
    for (const said of ['3 in', 'taken from']) {
      await predict(
        'n_runs=1',
        `output_dir=${join(dir, 'cut')}`,
        'graders=[{name: medical_exact}]',
      );
      const lines = logs.filter((line) => line.startsWith(`predictions of run 1: ${said} `));
      expect(lines).toEqual([expect.stringMatching(/_run1\.json, 1 cut at max_new_tokens$/)]);
    }
    const meta = readJson(
      join(dir, 'cut', 'val_simple_o4-mini_medium_predictions_run1.json.meta.json'),
    );
    expect(meta).toMatchObject({ rows: 3, truncated: 1 });
  });

  it('marks as correct what reaches the threshold of a grader object', async () => {
    server = await startServer(({ body }) => ({ body: answered(body as JsonRow) }));
    const check = {
      type: 'string_check',
      input: '{{ sample.output_text }}',
      reference: '{{ item.reference_answer }}',
      operation: 'eq',
    };
    const half = { type: 'multi', graders: { check }, calculate_output: '0.5*check' };
    const grader = join(dir, 'half.json');
    writeFileSync(grader, JSON.stringify({ ...half, pass_threshold: 0.4 }));
    await predict(
      `output_dir=${join(dir, 'graded')}`,
      `graders=[{name: half, grader: ${grader}}, {name: medical_exact}]`,
    );
    const correct = (name: string) => {
      const path = join(
        dir,
        'graded',
        `val_simple_o4-mini_medium_${name}_predictions_all_runs.jsonl`,
      );
      return readJsonl(path).map((row) => (row as JsonRow).correct);
    };
    expect(correct('half')).toEqual([true, true, false, true, true, false]);
    expect(correct('medical_exact')).toEqual([true, true, false, true, true, false]);
  });

  it('takes what is there, and asks nothing for it', async () => {
    server = await startServer(() => ({ status: 500, body: {} }));
    const { samples } = await predict();
    expect(samples).toBe(6);
    expect(logs[0]).toMatch(/run 1: taken from .*_predictions_run1\.json/);
    for (const word of ['temperature=0.5', 'server.reasoning.summary=concise']) {
      await expect(predict(word)).rejects.toThrow(/of another model, rows, sampling or seed/);
    }
    expect(server.asked).toHaveLength(0);
  });

  it('goes on with a run that broke', async () => {
    let isBroken = true;
    server = await startServer(({ body }, index) =>
      isBroken && index === 2
        ? { status: 400, body: { error: { type: 'invalid_request_error', message: 'no' } } }
        : { body: answered(body as JsonRow) },
    );
    const words = [`output_dir=${join(dir, 'again')}`, 'n_runs=1', 'server.max_concurrency=1'];
    const stem = join(dir, 'again', 'val_simple_o4-mini_medium');
    const exact = `${stem}_medical_combined_predictions_all_runs.jsonl`;
    const left = ['.jsonl', '', '.meta.json'].map((end) => `${stem}_predictions_run1.json${end}`);
    const parts = [exact, ...left].map((path) => `${path}.99999999.0a1b2c3d.part`);
    mkdirSync(join(dir, 'again'));
    for (const part of parts) writeFileSync(part, '{');
    await expect(predict(...words)).rejects.toThrow(/invalid_request_error/);
    expect(logs.at(-1)).toMatch(/^2 rows kept. Go on with resume=auto/);
    isBroken = false;
    const second = predict(...words);
    await expect(predict(...words)).rejects.toThrow(
      /^output_dir: process \d+ on .* is writing .*again/,
    );
    await second;
    expect(server.asked).toHaveLength(4);
    await predict(...words);
    expect(server.asked).toHaveLength(4);
    expect(logs[0]).toContain('taken from');
    expect(readdirSync(join(dir, 'again')).filter((name) => /jsonl|part/.test(name))).toEqual([
      'val_simple_o4-mini_medium_medical_combined_predictions_all_runs.jsonl',
    ]);
  });
});

it('goes on with a call that was replacing earlier predictions', async () => {
  let broken = -1;
  server = await startServer(({ body }, index) => {
    if (index !== broken) return { body: answered(body as JsonRow) };
    return { status: 400, body: { error: { type: 'invalid_request_error', message: 'no' } } };
  });
  const words = [`output_dir=${join(dir, 'replaced')}`, 'server.max_concurrency=1'];
  const kept = () => readdirSync(join(dir, 'replaced')).filter((name) => /run\d\.json$/.test(name));
  await predict(...words);
  const anew = [...words, 'server.extra_body={"top": 1}'];
  broken = 6;
  await expect(predict(...anew, 'overwrite=true')).rejects.toThrow(/invalid_request_error/);
  expect(kept()).toHaveLength(2);
  broken = 8;
  await expect(predict(...anew, 'overwrite=true')).rejects.toThrow(/invalid_request_error/);
  expect(await predict(...anew)).toMatchObject({ samples: 6 });
  expect(server.asked).toHaveLength(6 + 1 + 2 + 5);
});

it('predictions of a call that was killed are never without what they depend on', async () => {
  server = await startServer(({ body }) => ({ body: answered(body as JsonRow) }));
  const words = [`output_dir=${join(dir, 'killed')}`, 'n_runs=1'];
  const meta = join(dir, 'killed', 'val_simple_o4-mini_medium_predictions_run1.json.meta.json');
  mkdirSync(join(meta, 'in the way'), { recursive: true });
  await expect(predict(...words)).rejects.toThrow(/meta\.json: is a folder/);
  rmSync(meta, { recursive: true });
  expect(await predict(...words)).toMatchObject({ samples: 3 });
  expect(server.asked).toHaveLength(3);
});

it.each([
  [join(dir, 'none.jsonl'), 'no such file'],
  [dir, 'is a folder, expected a file'],
])('refuses rows at %s: %s', async (path, problem) => {
  await expect(predict(`input=${path}`)).rejects.toThrow(new InputError({ where: path, problem }));
});

it('says how to make the rows that it reads by default', async () => {
  const config = loadConfig(predictSchema, {
    overrides: ['model=m', `data_dir=${dir}`, 'subset=test', `output_dir=${join(dir, 'no-rows')}`],
  });
  await expect(runPredict(config, SILENT)).rejects.toThrow(
    `${join(dir, 'medical_01_verifiable_problem_test_simple_prompt.jsonl')}: no such file. Make it by lorikeet data medical output_dir=${dir}, or name other rows by input, or by data_dir, subset and prompt_type`,
  );
});

describe('names and keys', () => {
  it.each([
    ['o4-mini-2025-04-16', 'o4-mini-2025-04-16'],
    ['ft:o4-mini:org:demo:1', 'ft_o4-mini_org_demo_1'],
    ['Qwen/Qwen2.5-1.5B', 'Qwen_Qwen2.5-1.5B'],
    ['/home/me/outputs/rft', 'outputs_rft'],
    ['../../x', 'x'],
  ])('%s is %s in file names', (name, expected) => {
    expect(sanitised(name)).toBe(expected);
  });

  it('refuses an effort where nothing reads it', () => {
    const overrides = ['model=m', 'reasoning_effort=high'];
    const message = refusalOf(InputError, () => loadConfig(predictSchema, { overrides }));
    expect(message).toContain('reasoning_effort');
    expect(message).toContain('means nothing locally');
  });
});
