/**
 * The graders that leave the process, on hostile texts: `cosine` through an embedding server, `python` in its
 * sandbox. Each Python grade is a process, so the sandbox sees the first 1,000 texts, the largest among them;
 * LORIKEET_HOSTILE_TEXTS=10000 gives it all.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gradeSchema, loadConfig } from '../../src/config/index.js';
import { gradeAll } from '../../src/recipes/grade/grade-all.js';
import { openScorer } from '../../src/recipes/grade/scorer.js';
import { gradedSample } from '../../src/rewards/index.js';
import { SILENT } from '../support/context.js';
import { startServer } from '../support/model-server.js';
import { noSandbox, skippedFor } from '../support/python.js';
import { temporaryFolder } from '../support/temporary.js';
import { hostileTexts } from './hostile-texts.js';

const folder = temporaryFolder();

const TEXTS = hostileTexts(10_000);

/** Counts of the statuses; scores outside of [0, 1]; the longest grade, seconds. */
async function graded(grader: object, texts: readonly string[], words: readonly string[]) {
  const file = join(folder, 'grader.json');
  writeFileSync(file, JSON.stringify(grader));
  const scorer = await openScorer(
    loadConfig(gradeSchema, { overrides: [`grader_file=${file}`, 'input=a.jsonl', ...words] }),
    SILENT,
  );
  try {
    const samples = texts.map((output_text) => gradedSample({ answer: '12' }, { output_text }));
    const all = await gradeAll(samples, {
      grade: scorer.grade,
      concurrency: 8,
      signal: SILENT.signal,
    });
    const statuses: Record<string, number> = {};
    for (const { outcome } of all) statuses[outcome.status] = (statuses[outcome.status] ?? 0) + 1;
    const strays = all.filter(({ outcome: { score, status } }) =>
      status === 'ok' ? !(score !== null && score >= 0 && score <= 1) : score !== null,
    );
    return { statuses, strays, longest: Math.max(...all.map(({ seconds }) => seconds)) };
  } finally {
    await scorer.close();
  }
}

/** Counts of four kinds of signs; now and then a vector of zeros, or of a size whose square overflows. */
function embedding(text: string, index: number): number[] {
  if (index % 7 === 0) return [0, 0, 0, 0];
  const scale = index % 5 === 0 ? 1e200 : 1;
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < text.length; i++) counts[text.charCodeAt(i) % 4]! += i % 2 === 0 ? 1 : -1;
  return counts.map((count) => count * scale);
}

describe('cosine', () => {
  it('gives 0 to 1 for all of 10,000', async () => {
    const server = await startServer(({ body }, index) => ({
      body: {
        data: (body!.input as string[]).map((text, i) => ({
          index: i,
          embedding: embedding(text, index + i),
        })),
      },
    }));
    const grader = {
      type: 'text_similarity',
      evaluation_metric: 'cosine',
      input: '{{sample.output_text}}',
      reference: '{{item.answer}}',
    };
    const { statuses, strays, longest } = await graded(grader, TEXTS, [
      `judge.base_url=${server.baseUrl}`,
      'judge.embedding_model=e',
      'judge.cache_dir=null',
    ]);
    expect(strays).toEqual([]);
    expect(statuses).toEqual({ ok: 10_000 });
    expect(longest).toBeLessThan(20);
  }, 180_000);
});

/** Reads the text as JSON, counts its signs, and hangs on some. Nesting beyond Python's own is an error. */
const SOURCE = `
import json

def grade(sample, item):
    text = sample["output_text"]
    if text.startswith("{{{"):
        while True:
            pass
    try:
        json.loads(text)
    except ValueError:
        pass
    return len(set(text)) / max(1, len(text))
`;

const TIMEOUT_S = 1;

describe.skipIf(noSandbox !== null)(`python${skippedFor(noSandbox)}`, () => {
  it('gives a score in its range, an error or a time-out, each within its limit', async () => {
    const texts = TEXTS.slice(0, Number(process.env.LORIKEET_HOSTILE_TEXTS ?? 1000));
    const { statuses, strays, longest } = await graded({ type: 'python', source: SOURCE }, texts, [
      `python_timeout_s=${TIMEOUT_S}`,
    ]);
    const { ok = 0, timeout = 0, error = 0 } = statuses;
    expect(strays).toEqual([]);
    expect(ok + timeout + error).toBe(texts.length);
    expect(ok).toBeGreaterThan(0.95 * texts.length);
    const hanging = texts.filter((text) => text.startsWith('{{{')).length;
    expect(timeout).toBeGreaterThanOrEqual(hanging);
    expect(hanging).toBeGreaterThan(0);
    // eight wait for two workers
    expect(longest).toBeLessThan(8 * TIMEOUT_S + 20);
  }, 600_000);
});
