import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { benchGradeSchema, gradeSchema, loadConfig } from '../../../../src/config/index.js';
import { benchGrade } from '../../../../src/recipes/bench/grade.js';
import {
  type GradeChecks,
  type GradeSummary,
  verifyGrade,
} from '../../../../src/recipes/grade/results.js';
import { runGrade } from '../../../../src/recipes/grade.js';
import { readJsonl, toJsonl } from '../../../../src/util/files.js';
import { logInto } from '../../../support/context.js';
import { hasData, NEEDS_DATA } from '../../../support/real-data.js';
import { temporaryFolder } from '../../../support/temporary.js';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

const lines: string[] = [];
const context = logInto(lines);

function rowsFile(rows: readonly object[]): string {
  const path = join(folder, 'rows.jsonl');
  writeFileSync(path, toJsonl(rows));
  return path;
}

async function run(...overrides: string[]): Promise<GradeChecks> {
  return (await runGrade(loadConfig(gradeSchema, { overrides }), context)) as GradeChecks;
}

const ROWS = [
  { question: '2+2?', answer: '4', longest: 10 },
  { question: '3+4?', answer: '7', longest: 10 },
];

describe('grade by rewards', () => {
  it('sums registered rewards and those of a file', async () => {
    const input = rowsFile([{ ...ROWS[0], completion: 'is 4' }]);
    const output = join(folder, 'out.jsonl');
    const rewards = `rewards=[{name: numeric}, {name: length_reward, weight: 2, file: test/fixtures/rewards/user/length.mjs}]`;
    const config = loadConfig(gradeSchema, {
      overrides: [`input=${input}`, `output=${output}`, rewards],
    });
    const summary = (await runGrade(config, context)) as GradeSummary;
    // 1 + 2 · 4/10
    expect(summary.mean_score).toBeCloseTo(1.8, 12);
    expect(readJsonl(output)[0]).toMatchObject({ status: 'ok', parts: { numeric: { score: 1 } } });
  });
});

describe('grade --validate', () => {
  it('passes rows whose reference scores full, and fails others by name', async () => {
    const gold = ['gold={{ item.answer }}', 'validate=true', 'rewards=[{name: numeric}]'];
    const good = await run(`input=${rowsFile(ROWS)}`, ...gold);
    expect(good.gold?.[0]).toMatchObject({ rows: 2, failures: 0, first: null });
    expect(() => verifyGrade(good)).not.toThrow();
    const bad = await run(`input=${rowsFile([...ROWS, { answer: 'none' }])}`, ...gold);
    expect(bad.gold?.[0]).toMatchObject({ failures: 1, first: { index: 2, score: null } });
    expect(() => verifyGrade(bad)).toThrow(
      '1 of 3 reference answers without the full score, first row 3',
    );
  });

  it.skipIf(!hasData())(
    `every data set known by name scores full ${NEEDS_DATA}`,
    async () => {
      const { gold } = await run('validate=true');
      expect(gold!.map(({ name }) => name)).toContain('math-500');
      expect(gold!.filter(({ failures }) => failures > 0)).toEqual([]);
      expect(gold!.filter(({ skipped }) => skipped === null).length).toBeGreaterThan(8);
    },
    60_000,
  );
});

describe('grade --stress', () => {
  it('names what leaks', async () => {
    const input = `input=${rowsFile(ROWS)}`;
    const gold = 'gold={{ item.answer }}';
    const { stress } = await run(input, gold, 'stress=true', 'rewards=[{name: numeric}]');
    // the last number is the right one in a hedged answer, and nowhere else
    expect(stress?.leaking).toEqual(['hedged answer', 'hedged in tags', 'hedged in a box']);
    expect(lines.at(-1)).toContain('Leaking: hedged answer, hedged in tags, hedged in a box.');
    const strict = await run(input, gold, 'stress=true', 'rewards=[{name: correctness}]');
    expect(strict.stress?.leaking).toEqual([]);
    expect(strict.stress?.attacks.every(({ failed }) => failed === 0)).toBe(true);
  }, 60_000);
});

describe('bench grade', () => {
  it('has a speed for each grader, and says what rows it needs', async () => {
    const rows = rowsFile(ROWS);
    const overrides = [`answers=${rows}`, `formulas=${rows}`, 'seconds=0.01'];
    const figures = await benchGrade(loadConfig(benchGradeSchema, { overrides }), context);
    expect(figures).toMatchObject({ benchmark: 'grade', pairs: 4, formulas: 2 });
    for (const speed of Object.values(figures.grades_per_s)) expect(speed).toBeGreaterThan(0);
    vi.stubEnv('LORIKEET_DATA', '');
    await expect(benchGrade(loadConfig(benchGradeSchema, {}), context)).rejects.toThrow(
      'Give answers=F.jsonl',
    );
  });
});
