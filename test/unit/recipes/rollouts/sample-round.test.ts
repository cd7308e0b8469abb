/** Which trajectories a round has made when it is stopped, or when one cannot be kept. */
import { expect, it } from 'vitest';
import { loadConfig, rolloutsSchema } from '../../../../src/config/index.js';
import type { AskedQuestion } from '../../../../src/recipes/rollouts/questions.js';
import { type Pulled, sampleRound } from '../../../../src/recipes/rollouts/sample-round.js';
import type { Completion, PromptRequest, Sampler } from '../../../../src/rollout/index.js';

const config = loadConfig(rolloutsSchema, {
  overrides: [
    ...['model=m', 'dataset=rows.jsonl', 'output=out.jsonl', 'trajectories=2'],
    'arms=[{"name":"greedy","temperature":0},{"name":"plain"}]',
  ],
});

const question: AskedQuestion = {
  index: 0,
  id: '0',
  text: '1 + 1?',
  row: {},
  wordings: ['1 + 1?', '1 and 1?'],
  where: 'rows.jsonl:1',
};
const pulls = [
  { question, arm: 'greedy', sample: 0 },
  { question, arm: 'plain', sample: 1 },
  { question, arm: 'plain', sample: 2 },
];

const completion = (request: PromptRequest, sampleIndex: number, finishReason: string) =>
  ({
    requestId: request.id,
    sampleIndex,
    finishReason,
    text: `${request.id}/${sampleIndex}`,
    adapter: null,
  }) as Completion;

/** Answers in the order of the requests; from answer `until` on everything is stopped. */
async function round(until: number, onPulled?: (pulled: Pulled) => void) {
  const stop = new AbortController();
  const made: string[][] = [];
  let answers = 0;
  const generate: Sampler['generate'] = async (
    requests,
    _params,
    { signal, onCompletion } = {},
  ) => {
    for (const request of requests) {
      for (const sample of request.samples ?? []) {
        if (answers === until) stop.abort();
        const reason = signal?.aborted ? 'aborted' : 'stop';
        if (reason === 'stop') answers++;
        onCompletion?.(completion(request, sample, reason));
      }
    }
    return [];
  };
  const keep = ({ completion: own, perturbed }: Pulled) =>
    void made.push([own, ...perturbed].map(({ text }) => text));
  await sampleRound(pulls, {
    config,
    sampler: { generate, adapterHash: null } as unknown as Sampler,
    prompts: { idsOf: () => [1], longest: 1 },
    signal: stop.signal,
    onPulled: onPulled ?? keep,
    onCompletion: () => undefined,
  });
  return { made, answers };
}

it('gives each trajectory as soon as all of its wordings are answered', async () => {
  const greedy = ['greedy/0/0/0', 'greedy/0/1/0'];
  const plain = [1, 2].map((sample) => [`plain/0/0/${sample}`, `plain/0/1/${sample}`]);
  expect((await round(6)).made).toEqual([greedy, ...plain]);
  // The first of the other wording is the fifth answer.
  expect((await round(5)).made).toEqual([greedy, plain[0]]);
  expect((await round(4)).made).toEqual([greedy]);
  expect((await round(1)).made).toEqual([]);
});

it('ends with the error of a trajectory that cannot be kept', async () => {
  let calls = 0;
  const full = () => {
    calls++;
    throw new Error('no room');
  };
  await expect(round(6, full)).rejects.toThrow('no room');
  expect(calls).toBe(1);
});
