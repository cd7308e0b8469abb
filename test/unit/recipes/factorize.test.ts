import { describe, expect, it } from 'vitest';
import { factorize } from '../../../src/cli/commands/factorize.js';
import { factorizeSchema, loadConfig } from '../../../src/config/index.js';
import { runFactorize, tokenLimit } from '../../../src/recipes/factorize.js';
import { messageOf } from '../../../src/util/errors.js';
import type { JsonRow } from '../../../src/util/files.js';
import { SILENT } from '../../support/context.js';
import {
  type Answer,
  chatAnswer,
  startServer,
  type TestServer,
} from '../../support/model-server.js';
import { temporaryFolder } from '../../support/temporary.js';
import { tinyTraining } from '../../support/tiny-training.js';

const dir = temporaryFolder();
let server: TestServer;

const ANSWER = {
  reasoning: ['210 ÷ 2 = 105', '105 ÷ 3 = 35', '35 ÷ 5 = 7'],
  factors: [2, 3, 5, 7],
  algorithm: 'WheelFactorization',
  time_taken: 0.023,
  confidence: 0.99,
};
const said = (answer: unknown): Answer => ({
  body: { model: 'expert', ...chatAnswer(JSON.stringify(answer)) },
});

async function ask(number: string, answer: Answer, ...words: string[]) {
  server = await startServer(() => answer);
  const overrides = [
    ...[`number=${number}`, 'model=expert', 'engine=server', 'server.api=chat'],
    ...[`server.base_url=${server.baseUrl}`, 'server.max_attempts=1', ...words],
  ];
  return runFactorize(loadConfig(factorizeSchema, { overrides, env: {} }), SILENT);
}

async function messageFrom(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'no error',
    (error) => messageOf(error),
  );
}

describe('factorize engine=server', () => {
  it('asks by the JSON schema, with tokens that grow with the number', async () => {
    const result = await ask('210', said(ANSWER));
    const body = server.asked[0]?.body as JsonRow;
    expect(body).toMatchObject({
      model: 'expert',
      temperature: 0.3,
      max_tokens: 256 + 64 * 3,
      response_format: { type: 'json_schema', json_schema: { strict: true } },
    });
    expect((body.messages as JsonRow[])[0]?.content).toContain('prime factorization of 210.');
    expect(result).toMatchObject({
      ...ANSWER,
      correct: true,
      valid: true,
      product: '210',
      api_call_time: expect.any(Number),
    });
    expect(tokenLimit('1234567890')).toBe(tokenLimit('210') + 7 * 64);
  });

  it('leaves the schema out, and takes the limit and the temperature given', async () => {
    await ask('210', said(ANSWER), 'structured=false', 'max_new_tokens=99', 'temperature=0.2');
    const body = server.asked[0]?.body as JsonRow;
    expect(body).toMatchObject({ max_tokens: 99, temperature: 0.2 });
    expect(body.response_format).toBeUndefined();
  });

  it.each([
    [
      'factors that are not prime',
      { ...ANSWER, factors: [6, 35] },
      { correct: false, product: '210' },
    ],
    ['another product', { ...ANSWER, factors: [2, 3, 5] }, { correct: false, product: '30' }],
    ['a missing field', { factors: [2, 3, 5, 7] }, { correct: true, valid: false }],
    ['an algorithm of its own', { ...ANSWER, algorithm: 'Guess' }, { correct: true, valid: false }],
    ['no object', 'none', { correct: false, valid: false, factors: null, product: null }],
  ])('says what is wrong with %s', async (_, answer, expected) => {
    expect(await ask('210', said(answer))).toMatchObject(expected);
  });

  it('keeps numbers that JSON cannot hold as digits', async () => {
    const factors = ['1000000000000000003', 7];
    const result = await ask('7000000000000000021', said({ ...ANSWER, factors }));
    expect(result).toMatchObject({ factors, correct: true });
  });

  it.each([
    ['insufficient_quota', 'You exceeded your current quota', 'no credit left'],
    ['invalid_request_error', 'The fine-tuning job failed due to an internal error.', 'grader'],
    ['invalid_request_error', 'The `response_format` parameter must be set', 'structured=true'],
    ['invalid_request_error', 'unknown field', 'check the model'],
  ])('an error %s (%s) has its remedy', async (type, message, remedy) => {
    const body = { error: { type, message } };
    expect(await messageFrom(ask('210', { status: 400, body }))).toContain(remedy);
  });

  it.each(['0', '1'])('refuses %s', async (number) => {
    expect(await messageFrom(ask(number, said(ANSWER)))).toContain('no prime factors');
    expect(server.asked).toHaveLength(0);
  });

  it('prints a page for people, and JSON for programs', async () => {
    server = await startServer(() => said(ANSWER));
    const lines: string[] = [];
    const call = (json: boolean) =>
      factorize.handle({
        words: [
          ...['210', 'model=expert', 'engine=server', 'server.api=chat'],
          `server.base_url=${server.baseUrl}`,
        ],
        config: undefined,
        env: {},
        signal: SILENT.signal,
        colours: false,
        out: (line: string) => void lines.push(line),
        err: () => undefined,
        dryRun: false,
        verbose: false,
        json,
        preview: null,
      });
    await call(false);
    const page = lines.join('\n').replace(/call time: \d+\.\d{4}/, 'call time: 0.0000');
    expect(page.split('\n').slice(1, -1)).toEqual([
      'Factorization of 210',
      '='.repeat(60),
      'Factors: [2, 3, 5, 7]',
      'Correct: yes',
      'Algorithm: WheelFactorization',
      'Reported time: 0.0230 seconds',
      'API call time: 0.0000 seconds',
      'Confidence: 0.9900',
      '',
      'Reasoning:',
      '  1. 210 ÷ 2 = 105',
      '  2. 105 ÷ 3 = 35',
      '  3. 35 ÷ 5 = 7',
      '',
      'Verification:',
      '  2 × 3 × 5 × 7 = 210',
    ]);
    lines.splice(0);
    await call(true);
    expect(JSON.parse(lines[0] as string)).toMatchObject(ANSWER);
  });
});

describe('factorize here', () => {
  const { base } = tinyTraining(dir);

  it('samples from a local model and checks what it says', async () => {
    const overrides = [
      ...['number=12', `model=${base}`, 'prompt_template={prompt}'],
      ...['max_new_tokens=4', 'threads=1'],
    ];
    // The tiny model's context is shorter than the question: the error names it.
    const config = loadConfig(factorizeSchema, { overrides, env: {} });
    expect(await messageFrom(runFactorize(config, SILENT))).toMatch(/its prompt has \d+ tokens/);
  });
});
