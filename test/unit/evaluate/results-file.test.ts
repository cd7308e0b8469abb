/** The results file: metrics, parts, examples, and a factorization's parts under the names of its targets. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { evaluate, factorizationGrader, writeResults } from '../../../src/evaluate/index.js';
import { type JsonRow, readJson } from '../../../src/util/files.js';
import { temporaryFolder } from '../../support/temporary.js';

const dir = temporaryFolder();

it('names the parts of a factorization as jobs name their targets', async () => {
  const answers = [
    '{"factors": [2, 3, 5, 7], "algorithm": "WheelFactorization", "reasoning": []}',
    '',
  ];
  const evaluation = await evaluate({
    rows: answers.map((_, i) => ({
      id: String(i),
      question: 'q',
      number: 210,
      factors: [2, 3, 5, 7],
    })),
    grade: factorizationGrader(),
    complete: async (items) =>
      items.map(({ id, index }) => ({
        requestId: id,
        sampleIndex: 0,
        promptIds: [1],
        ids: [1],
        text: answers[index]!,
        logprobs: new Float32Array(1),
        finishReason: 'stop',
        adapter: null,
        seconds: 0,
      })),
  });
  const path = join(dir, 'evaluation_results.json');
  // By a grader file accurate are full scores alone, where a judge may find fault with right factors' reasoning.
  const metrics = { ...evaluation.metrics, accuracy: 0, 'parts/reasoning/ungraded': 1 };
  writeResults(path, { ...evaluation, metrics }, { model: 'm' });
  const results = readJson(path) as { parts: JsonRow; metrics: JsonRow } & JsonRow;
  expect(results.correctness).toBe(0.5);
  expect(results.algorithm_selection).toBe(results.parts.algorithm);
  expect(results.algorithm_selection).toBeGreaterThan(0);
  expect(results.reasoning_quality).toBe(results.parts.reasoning);
  expect(results.parts).not.toHaveProperty('reasoning/ungraded');
  expect(results.metrics['parts/algorithm']).toBe(results.algorithm_selection);
});
