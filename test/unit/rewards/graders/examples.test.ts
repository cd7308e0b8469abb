/** Every grader file of configs/graders, as it is: right answers earn more than wrong ones. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gradeSchema, loadConfig, parseGrader } from '../../../../src/config/index.js';
import { type OpenTools, openGraderTools } from '../../../../src/recipes/rewards/grader-tools.js';
import { compileGrader, gradedSample, makeRewards } from '../../../../src/rewards/index.js';
import { sandboxSupport } from '../../../../src/sandbox/index.js';
import { readJson } from '../../../../src/util/files.js';
import { SILENT } from '../../../support/context.js';
import { chatAnswer, startServer, type TestServer } from '../../../support/model-server.js';

const FOLDER = 'configs/graders';
const FILES = readdirSync(FOLDER);

/** Item, right answer, wrong answer. */
const FACTORIZATION = {
  factors: [2, 3, 5, 7],
  algorithm: 'WheelFactorization',
  reasoning: ['210 = 2 × 3 × 5 × 7'],
};
const ITEM = {
  answer: '1/2',
  reference_answer: 'renal failure',
  messages: [{ role: 'user', content: 'What is it?' }],
  number: 210,
  factors: [2, 3, 5, 7],
};
const CASES: Readonly<Record<string, readonly [right: string, wrong: string]>> = {
  'factorization.json': [JSON.stringify(FACTORIZATION), '{"factors": [10, 21]}'],
  'math-equivalence.json': ['\\boxed{0.5}', '\\boxed{2}'],
};

const specOf = (file: string) => parseGrader(readJson(join(FOLDER, file)), file);

const { available } = await sandboxSupport();
let server: TestServer;
let open: OpenTools;

/** The judge: full marks where a right answer stands in the message. */
beforeAll(async () => {
  server = await startServer(({ body }) => {
    const text = JSON.stringify(body);
    const isRight = /Answer: renal failure|WheelFactorization|\\n\\nrenal failure/.test(text);
    const isLabel = text.includes('polite');
    return { body: chatAnswer(isLabel ? (isRight ? 'polite' : 'rude') : isRight ? '1.0' : '0') };
  });
  const keys = loadConfig(gradeSchema, {
    overrides: [`judge.base_url=${server.baseUrl}`, 'judge.cache_dir=null'],
  });
  const specs = FILES.map((file) => specOf(file));
  open = await openGraderTools(keys, { specs: available ? specs : [], context: SILENT });
});
afterAll(async () => {
  open.close();
  await server.close();
});

describe.skipIf(!available)('example graders (need bubblewrap)', () => {
  it.each(FILES)('%s', async (file) => {
    const grade = compileGrader(specOf(file), open.tools);
    const [right, wrong] = CASES[file] ?? ['renal failure', 'broken leg'];
    const good = await grade(gradedSample(ITEM, { output_text: right }));
    const bad = await grade(gradedSample(ITEM, { output_text: wrong }));
    expect(good.score, JSON.stringify(good)).toBeCloseTo(1, 12);
    expect(bad.status).toBe('ok');
    expect(bad.score).toBeLessThan(0.5);
  });
});

describe.skipIf(!available)('medical-combined.json (needs bubblewrap)', () => {
  const golds = [
    'renal failure',
    'Tetralogy of Fallot',
    '',
    'anti-NMDA',
    'İstanbul syndrome',
    '12 mg',
  ];
  const answers = [
    ...['Renal failure', 'acute failure of the kidneys', 'failure, renal (acute)', 'of Fallot', ''],
    ...['NMDA receptor encephalitis', 'istanbul', '12mg', 'Tetralogy of Fallot', '—'],
  ];

  it('scores as the reward medical_combined does, so jobs here and at the service are after the same', async () => {
    const grade = compileGrader(specOf('medical-combined.json'), open.tools);
    const reward = makeRewards([{ name: 'medical_combined', weight: 1, options: {} }]);
    const scores = new Set<number>();
    for (const gold of golds) {
      for (const answer of answers) {
        const item = { reference_answer: gold };
        const { score } = await grade(gradedSample(item, { output_text: answer }));
        const expected = reward(answer, item).total as number;
        expect(score, `${answer} against ${gold}`).toBeCloseTo(expected, 12);
        scores.add(expected);
      }
    }
    expect(scores.size).toBeGreaterThan(15);
  });
});
