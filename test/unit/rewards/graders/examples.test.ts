/** Every grader file of configs/graders, as it is: right answers earn more than wrong ones. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gradeSchema, loadConfig, parseGrader } from '../../../../src/config/index.js';
import { type OpenTools, openGraderTools } from '../../../../src/recipes/rewards/grader-tools.js';
import {
  compileGrader,
  type GraderSpec,
  gradedSample,
  makeRewards,
} from '../../../../src/rewards/index.js';
import { FACTORIZATION_ALGORITHMS } from '../../../../src/util/factorization-algorithms.js';
import { readJson } from '../../../../src/util/files.js';
import { SILENT } from '../../../support/context.js';
import { chatAnswer, startServer } from '../../../support/model-server.js';
import { noSandbox, skippedFor } from '../../../support/python.js';

const FOLDER = 'configs/graders';
const FILES = readdirSync(FOLDER);

/** Item, right answer, wrong answer. */
const FACTORIZATION = {
  factors: [2, 3, 5, 7],
  algorithm: 'WheelFactorization',
  reasoning: ['210 = 2 × 3 × 5 × 7'],
  time_taken: 0.1,
  confidence: 0.9,
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

let open: OpenTools;

/** The judge: full marks where a right answer stands in the message. */
beforeAll(async () => {
  const server = await startServer(({ body }) => {
    const text = JSON.stringify(body);
    const isRight = /Answer: renal failure|WheelFactorization|\\n\\nrenal failure/.test(text);
    const isLabel = text.includes('polite');
    return { body: chatAnswer(isLabel ? (isRight ? 'polite' : 'rude') : isRight ? '1.0' : '0') };
  });
  const keys = loadConfig(gradeSchema, {
    overrides: ['validate=true', `judge.base_url=${server.baseUrl}`, 'judge.cache_dir=null'],
  });
  const specs = FILES.map((file) => specOf(file));
  open = await openGraderTools(keys, { specs: noSandbox === null ? specs : [], context: SILENT });
});
afterAll(() => open.close());

describe.skipIf(noSandbox !== null)(`example graders${skippedFor(noSandbox)}`, () => {
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

describe.skipIf(noSandbox !== null)(`medical-combined.json${skippedFor(noSandbox)}`, () => {
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

describe.skipIf(noSandbox !== null)(`factorization.json${skippedFor(noSandbox)}`, () => {
  const HARD = { number: 3_215_031_751, factors: [151, 751, 28_351] };
  const named = (algorithm: string) => ({ ...FACTORIZATION, algorithm });
  const steps = (count: number) => Array(count).fill('2 × 3 = 6');
  // The reasoning is judged at the service and by rule here, so it may differ.
  const parts = {
    correctness: [
      [ITEM, FACTORIZATION],
      [ITEM, { factors: [2, 3, 35] }],
      [ITEM, { factors: [210] }],
      [HARD, HARD],
      [HARD, { factors: [HARD.number] }],
    ],
    algorithm: [
      ...FACTORIZATION_ALGORITHMS.flatMap(({ name, digits: [fewest, most] }) =>
        [fewest, most, most + 1]
          .filter(Number.isFinite)
          .map((digits) => [{ number: '9'.repeat(digits) }, named(name.toUpperCase())] as const),
      ),
      [ITEM, named('Trial division')],
      [ITEM, named('Shor')],
      [ITEM, HARD],
    ],
    efficiency: [
      [ITEM, FACTORIZATION],
      [ITEM, { ...FACTORIZATION, time_taken: 61 }],
      [ITEM, { ...FACTORIZATION, confidence: '0.9', reasoning: [] }],
      [ITEM, { ...FACTORIZATION, reasoning: steps(16) }],
      [ITEM, { ...FACTORIZATION, reasoning: steps(17) }],
      [HARD, HARD],
    ],
  } as const;

  it.each(Object.keys(parts) as (keyof typeof parts)[])(
    'scores the %s as the reward does, so jobs here and at the service are after the same',
    async (part) => {
      const { graders } = specOf('factorization.json') as { graders: Record<string, GraderSpec> };
      const grade = compileGrader(graders[part] as GraderSpec, open.tools);
      const reward = makeRewards([{ name: `factorization_${part}`, weight: 1, options: {} }]);
      const scores = new Set<number>();
      for (const [item, answer] of parts[part]) {
        const text = JSON.stringify(answer);
        const { score } = await grade(gradedSample(item, { output_text: text }));
        const expected = reward(text, item).total as number;
        expect(score, `${text} for ${item.number}`).toBe(expected);
        scores.add(expected);
      }
      expect(scores.size).toBeGreaterThan(1);
    },
  );
});
