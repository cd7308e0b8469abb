/** Strategies on continuations written by hand: votes, code rounds, selections, budgets. */
import { describe, expect, it } from 'vitest';
import {
  mathGrader,
  type Problem,
  type StrategyOptions,
  solveAll,
} from '../../../../src/evaluate/index.js';
import { scriptedWriter } from './scripted-writer.js';

const grade = mathGrader();
const options = (own: Partial<StrategyOptions> = {}): StrategyOptions => ({
  strategy: 'majority_vote',
  samples: 4,
  maxNewTokens: 200,
  tokenBudget: null,
  timeBudget: null,
  answerOf: (text) => grade(text, {}).answer,
  rewardOf: null,
  selectionTokens: 64,
  maxOutputLength: 2000,
  maxSessions: 64,
  maxRounds: 3,
  executor: null,
  ...own,
});
const problem = (id: string): Problem => {
  const question = `What is ${id}?`;
  const promptIds = [...question].map((sign) => sign.codePointAt(0) as number);
  return { id, question, promptIds, row: { question } };
};
const box = (answer: string | number) => `so \\boxed{${answer}}`;

describe('votes', () => {
  const texts = [box(3), box('1/2'), 'no answer', box('0.5')];
  const writer = () => scriptedWriter((_, i) => texts[i] ?? '');

  it('greedy takes one completion', async () => {
    const [solution] = await solveAll([problem('a')], {
      writer: writer(),
      options: options({ strategy: 'greedy' }),
    });
    expect(solution).toMatchObject({ answer: '3', chosen: 0, stopped: 'done' });
    expect(solution?.candidates).toHaveLength(1);
  });

  it('the majority wins, in the words of its first member', async () => {
    const [solution] = await solveAll([problem('a')], { writer: writer(), options: options() });
    expect(solution).toMatchObject({ answer: '1/2', chosen: 1, agreement: 0.5 });
    // Tokens: each text and its end.
    const tokens = texts.reduce((sum, text) => sum + text.length + 1, 0);
    expect(solution?.tokens).toBe(tokens);
  });

  it('weights by the mean log-probability, or by a reward', async () => {
    const weighted = options({ strategy: 'weighted_vote', samples: 3 });
    const two = () => scriptedWriter((_, i) => [box(1), box(2), box(2)][i] ?? '');
    const [byLogprob] = await solveAll([problem('a')], { writer: two(), options: weighted });
    // exp(−0.2) + exp(−0.3) > exp(−0.1)
    expect(byLogprob?.answer).toBe('2');
    expect(byLogprob?.agreement).toBeCloseTo(
      (Math.exp(-0.2) + Math.exp(-0.3)) / (Math.exp(-0.1) + Math.exp(-0.2) + Math.exp(-0.3)),
      6,
    );
    const rewardOf = (text: string) => (text.includes('{1}') ? 5 : 1);
    const [byReward] = await solveAll([problem('a')], {
      writer: two(),
      options: { ...weighted, rewardOf },
    });
    expect(byReward?.answer).toBe('1');
  });
});

describe('tir', () => {
  const block = (code: string) => `Compute:\n\`\`\`python\n${code}\n\`\`\`\n`;
  const executor = () => {
    const codes: string[] = [];
    let open = 0;
    return {
      codes,
      isClosed: () => open === 0,
      open: async () => {
        open += 1;
        return {
          run: async (code: string) => {
            codes.push(code);
            const isError = code.includes('1/0');
            return { output: isError ? 'ZeroDivisionError' : '42\n', isError };
          },
          close: async () => {
            open -= 1;
          },
        };
      },
    };
  };
  const tir = (own: Partial<StrategyOptions>) => options({ strategy: 'tir', samples: 1, ...own });

  it('runs blocks, appends their output, and goes on', async () => {
    const python = executor();
    const writer = scriptedWriter(({ prompt }) =>
      prompt.includes('```output\n42') ? box(42) : block('print(6 * 7)'),
    );
    const [solution] = await solveAll([problem('a')], {
      writer,
      options: tir({ executor: python }),
    });
    expect(python.codes).toEqual(['print(6 * 7)']);
    expect(solution?.candidates[0]?.text).toBe(
      `${block('print(6 * 7)')}\`\`\`output\n42\n\`\`\`\n${box(42)}`,
    );
    expect(solution).toMatchObject({ answer: '42', stopped: 'done' });
    expect(solution?.candidates[0]).toMatchObject({ executions: 1, failedExecutions: 0 });
    expect(writer.asked[1]?.prompt).toContain('```output\n42\n```\n');
    expect(python.isClosed()).toBe(true);
  });

  it('shows errors, and ends after the last round', async () => {
    const python = executor();
    const writer = scriptedWriter(() => block('1/0'));
    const [solution] = await solveAll([problem('a')], {
      writer,
      options: tir({ executor: python, maxRounds: 2 }),
    });
    expect(python.codes).toEqual(['1/0', '1/0']);
    expect(solution?.candidates[0]).toMatchObject({
      executions: 2,
      failedExecutions: 2,
      finishReason: 'rounds',
      answer: null,
    });
    expect(python.isClosed()).toBe(true);
  });

  it('counts sampled tokens only, and keeps all rounds within the limit', async () => {
    const writer = scriptedWriter(() => block('print(6 * 7)'));
    const [solution] = await solveAll([problem('a')], {
      writer,
      options: tir({ executor: executor(), maxNewTokens: 50 }),
    });
    expect(solution?.tokens).toBe(50);
    expect(solution?.candidates[0]?.finishReason).toBe('length');
  });
});

describe('genselect', () => {
  const candidates = [box(1), box(2), box(3), box(2)];
  const select = (reply: string, own: { readonly context?: number } = {}) =>
    scriptedWriter(
      ({ prompt }, i) => (prompt.includes('Which of') ? reply : (candidates[i] ?? '')),
      own,
    );
  const genselect = options({ strategy: 'genselect' });

  it('takes the candidate that the reply names, among distinct answers', async () => {
    const writer = select('The third: \\boxed{3}');
    const [solution] = await solveAll([problem('a')], { writer, options: genselect });
    expect(solution).toMatchObject({ answer: '3', selections: 1, invalidSelections: 0 });
    expect(writer.asked[1]?.prompt).toContain('Solution 3:\nso \\boxed{3}');
    expect(writer.asked[1]?.prompt).not.toContain('Solution 4');
  });

  it('falls back to a vote of all candidates on a reply that names none, and counts it', async () => {
    const [solution] = await solveAll([problem('a')], {
      writer: select('none'),
      options: genselect,
    });
    expect(solution).toMatchObject({ selections: 1, invalidSelections: 1 });
    // Two of four say 2, though one stands for both in the question.
    expect(solution).toMatchObject({ answer: '2', chosen: 1 });
  });

  it('plays a tournament where the candidates exceed the context', async () => {
    const writer = select('\\boxed{2}', { context: 240 });
    const [solution] = await solveAll([problem('a')], { writer, options: genselect });
    // 1 against 2, 3 goes on alone; then 2 against 3.
    expect(solution).toMatchObject({ answer: '3', selections: 2 });
    for (const { promptIds } of writer.asked.slice(1)) expect(promptIds.length).toBeLessThan(240);
  });

  it('leaves a reply its tokens, and takes a shorter one where not even two solutions fit so', async () => {
    const ask = async (context: number, selectionTokens: number) => {
      const writer = select(`${'thinking '.repeat(20)}\\boxed{2}`, { context });
      const own = options({ strategy: 'genselect', selectionTokens });
      const [solution] = await solveAll([problem('a')], { writer, options: own });
      return { solution, limits: writer.asked.slice(1).map(({ maxNewTokens }) => maxNewTokens) };
    };
    const cut = await ask(10_000, 64);
    expect(cut.solution).toMatchObject({ selections: 1, invalidSelections: 1 });
    const whole = await ask(10_000, 400);
    expect(whole.solution).toMatchObject({ answer: '2', selections: 1, invalidSelections: 0 });
    expect(whole.limits).toEqual([400]);
    // Two solutions make a prompt of 160 to 170 tokens: 240 leave no room for 400 more.
    const short = await ask(240, 400);
    expect(short.solution?.selections).toBeGreaterThan(0);
    for (const limit of short.limits) {
      expect(limit).toBeGreaterThanOrEqual(64);
      expect(limit).toBeLessThan(100);
    }
  });

  it('keeps its replies in the token budget', async () => {
    const writer = select('x'.repeat(500));
    const own = options({ strategy: 'genselect', selectionTokens: 400, tokenBudget: 160 });
    const [solution] = await solveAll([problem('a')], { writer, options: own });
    const sampled = 4 * (box(1).length + 1);
    expect(solution).toMatchObject({ selections: 1, invalidSelections: 1, tokens: 160 });
    expect(writer.asked[1]?.maxNewTokens).toBe(160 - sampled);
  });

  it('takes one answer in two spellings for one', async () => {
    const texts = [box('1/2'), box(3), box('0.5'), box(3), box('\\frac12')];
    const writer = scriptedWriter(({ prompt }, i) =>
      prompt.includes('Which of') ? 'none' : (texts[i] ?? ''),
    );
    const own = options({ strategy: 'genselect', samples: 5 });
    const [solution] = await solveAll([problem('a')], { writer, options: own });
    expect(writer.asked[1]?.prompt).toContain('Which of the 2 solutions');
    // Three of five say one half.
    expect(solution).toMatchObject({ answer: '1/2', chosen: 0, invalidSelections: 1 });
  });

  it('asks nothing where all agree', async () => {
    const writer = scriptedWriter(() => box(5));
    const [solution] = await solveAll([problem('a')], { writer, options: genselect });
    expect(solution).toMatchObject({ answer: '5', selections: 0 });
    expect(writer.asked).toHaveLength(1);
  });
});

describe('budgets', () => {
  it('shares the token budget among the solutions', async () => {
    const writer = scriptedWriter(() => 'x'.repeat(100));
    const [solution] = await solveAll([problem('a')], {
      writer,
      options: options({ tokenBudget: 40 }),
    });
    expect(solution).toMatchObject({ tokens: 40, stopped: 'tokens', answer: null });
    const tooSmall = solveAll([problem('a')], { writer, options: options({ tokenBudget: 3 }) });
    await expect(tooSmall).rejects.toThrow('token_budget');
  });

  it('ends when the time is up, with what there is', async () => {
    const slow = scriptedWriter(() => box(1));
    const write: typeof slow.write = async (requests, { signal, ...rest }) => {
      await new Promise<void>((done) => signal?.addEventListener('abort', () => done()));
      const all = await slow.write(requests, rest);
      return all.map((one, i) => (i === 0 ? one : { ...one, ids: [], finishReason: 'aborted' }));
    };
    const [solution] = await solveAll([problem('a')], {
      writer: { ...slow, write },
      options: options({ timeBudget: 0.05 }),
    });
    expect(solution?.answer).toBe('1');
    expect(solution?.candidates).toHaveLength(1);
    expect(solution?.stopped).toBe('time');
  });

  it("throws the caller's reason", async () => {
    const stop = AbortSignal.abort(new Error('stop asked for'));
    const writer = scriptedWriter(() => box(1));
    const call = solveAll([problem('a')], { writer, options: options({ signal: stop }) });
    await expect(call).rejects.toThrow('stop asked for');
  });
});
