/** Completions with rounds of code: what is sampled and what is not, limits, and ends. */
import { describe, expect, it } from 'vitest';
import { writeWithCode } from '../../../../src/evaluate/index.js';
import type { CodeRoundsOptions } from '../../../../src/evaluate/strategies/code-rounds.js';
import { type Asked, scriptedWriter } from './scripted-writer.js';

const BLOCK = 'Try:\n```python\n6*7\n```\n';
const OUTPUT = '```output\n42\n```\n';

/** Sessions that answer 42; `opened` and `closed` count them. */
function python(output = '42\n') {
  const seen = { opened: 0, closed: 0, codes: [] as string[] };
  const open = async () => {
    seen.opened++;
    return {
      run: async (code: string) => {
        seen.codes.push(code);
        return { output, isError: code.includes('1/0') };
      },
      close: async () => {
        seen.closed++;
      },
    };
  };
  return { seen, executor: { open } };
}

const afterOutput = (text: string, then: string) => (asked: Asked) =>
  asked.prompt.includes('```output') ? then : text;

async function write(
  reply: (asked: Asked, index: number) => string,
  { n = 1, maxNewTokens = 200, ...own }: Partial<CodeRoundsOptions> & Record<string, unknown> = {},
) {
  const { seen, executor } = python(own.output as string | undefined);
  const writer = scriptedWriter(reply, { context: 1000 });
  const request = {
    id: 'p',
    promptIds: writer.encode('6*7?'),
    n: n as number,
    maxNewTokens: maxNewTokens as number,
  };
  const limits = { maxRounds: null, maxOutputLength: 100, maxSessions: 64 };
  const rounds = { ...limits, countsOutput: true, ...own };
  const made = await writeWithCode([request], { writer, executor, ...rounds });
  return { made, seen, writer };
}

describe('writeWithCode', () => {
  it('masks the ids of outputs, and keeps one log-probability for each sampled id', async () => {
    const { made, seen, writer } = await write(afterOutput(BLOCK, 'So 42.'), { n: 2 });
    expect(made).toHaveLength(2);
    for (const [index, { ids, mask, logprobs, ...facts }] of made.entries()) {
      const text = `${BLOCK}${OUTPUT}So 42.`;
      expect(ids).toEqual([...writer.encode(text), 0]);
      expect(mask).toEqual([
        ...Array.from(BLOCK, () => true),
        ...Array.from(OUTPUT, () => false),
        ...Array.from('So 42.', () => true),
        true,
      ]);
      expect(logprobs).toHaveLength(BLOCK.length + 7);
      expect(facts).toMatchObject({
        requestId: 'p',
        sampleIndex: index,
        text,
        finishReason: 'stop',
        calls: 1,
        failures: 0,
      });
    }
    expect(seen).toMatchObject({ opened: 2, closed: 2, codes: ['6*7', '6*7'] });
    expect(writer.asked[0]).toMatchObject({ id: 'p', n: 2 });
  });

  it('leaves out an end of text behind a block, and goes on from the output', async () => {
    const { made } = await write(afterOutput(BLOCK.trimEnd(), 'So 42.'));
    const [{ text, ids, mask, logprobs }] = made as [(typeof made)[number]];
    expect(text).toBe(`${BLOCK.trimEnd()}\n${OUTPUT}So 42.`);
    expect(ids.filter((id) => id === 0)).toHaveLength(1);
    expect(mask.filter(Boolean)).toHaveLength(logprobs.length);
    expect(logprobs).toHaveLength(BLOCK.length - 1 + 7);
  });

  it('counts outputs against the length, or the sampled tokens alone', async () => {
    const endless = (): string => BLOCK;
    const whole = await write(endless, { maxNewTokens: 150 });
    const sampled = await write(endless, { maxNewTokens: 150, countsOutput: false });
    expect(whole.made[0]?.ids.length).toBeLessThanOrEqual(150);
    expect(whole.made[0]?.finishReason).toBe('length');
    expect(whole.made[0]?.calls).toBe(Math.ceil(150 / (BLOCK.length + OUTPUT.length)));
    expect(sampled.made[0]?.logprobs).toHaveLength(150);
  });

  it('drops an output that leaves no room for another token, and ends by length', async () => {
    const room = BLOCK.length + OUTPUT.length;
    const { made } = await write(afterOutput(BLOCK, 'So 42.'), { maxNewTokens: room });
    expect(made[0]).toMatchObject({ text: BLOCK, finishReason: 'length', calls: 1 });
    expect(made[0]?.mask.every(Boolean)).toBe(true);
    const { made: longer } = await write(afterOutput(BLOCK, 'So 42.'), { maxNewTokens: room + 1 });
    expect(longer[0]).toMatchObject({ text: `${BLOCK}${OUTPUT}S`, finishReason: 'length' });
  });

  it('ends after the last round, unless the model has ended by itself', async () => {
    const open = await write(() => BLOCK, { maxRounds: 1 });
    expect(open.made[0]).toMatchObject({ finishReason: 'rounds', calls: 1 });
    expect(open.made[0]?.text).toBe(`${BLOCK}${OUTPUT}${BLOCK}`);
    const ended = await write(() => BLOCK.trimEnd(), { maxRounds: 1 });
    expect(ended.made[0]).toMatchObject({ finishReason: 'stop', calls: 1 });
    expect(ended.made[0]?.ids.at(-1)).toBe(0);
  });

  it('counts blocks that fail, and says what it cuts of an output', async () => {
    const { made } = await write(afterOutput('```python\n1/0\n```\n', 'Hm.'), {
      output: 'x'.repeat(130),
      maxNewTokens: 900,
    });
    expect(made[0]).toMatchObject({ calls: 1, failures: 1 });
    expect(made[0]?.text).toContain('[30 characters cut]');
  });

  it('goes on behind blocks of other languages, and runs nothing', async () => {
    const { made, seen } = await write((asked) =>
      asked.prompt.includes('```js') ? 'Done.' : '```js\n1\n```\n',
    );
    expect(made[0]).toMatchObject({ text: '```js\n1\n```\nDone.', calls: 0, finishReason: 'stop' });
    expect(seen.opened).toBe(0);
  });

  it('ends by length where such a block takes the last token', async () => {
    const other = '```js\n1\n```\n';
    const { made, writer } = await write(() => other, { maxNewTokens: other.length });
    expect(made[0]).toMatchObject({ text: other, calls: 0, finishReason: 'length' });
    expect(writer.asked).toHaveLength(1);
  });
});

describe('sessions', () => {
  /** Twelve completions of requests of `n`; blocks of later ones end sooner. */
  async function many(n: number, maxSessions: number) {
    const seen = { open: 0, most: 0, opened: 0 };
    const executor = {
      open: async () => {
        seen.most = Math.max(seen.most, ++seen.open);
        const wait = 12 - seen.opened++;
        return {
          run: async () => {
            await new Promise((resolve) => setTimeout(resolve, wait));
            return { output: '42\n', isError: false };
          },
          close: async () => {
            seen.open--;
          },
        };
      },
    };
    const writer = scriptedWriter(afterOutput(BLOCK, 'So 42.'), { context: 1000 });
    const requests = Array.from({ length: 12 / n }, (_, i) => ({
      id: `p${i}`,
      promptIds: writer.encode(`${i}`),
      n,
      maxNewTokens: 200,
    }));
    const limits = { maxRounds: null, countsOutput: true, maxOutputLength: 100, maxSessions };
    const made = await writeWithCode(requests, { writer, executor, ...limits });
    return { made, seen, begun: writer.asked.filter(({ id }) => /^p\d+$/.test(id)) };
  }

  it.each([
    [1, 3, 3],
    [1, 64, 12],
    [4, 8, 8],
    [4, 6, 4],
    // one request of more completions than may be open begins alone
    [6, 2, 6],
  ])('of requests of %i, at most %i are open: %i', async (n, limit, most) => {
    const { made, seen, begun } = await many(n, limit);
    expect(seen).toEqual({ open: 0, most, opened: 12 });
    expect(made.map(({ text }) => text)).toEqual(made.map(() => `${BLOCK}${OUTPUT}So 42.`));
    expect(made.map(({ requestId, sampleIndex }) => [requestId, sampleIndex])).toEqual(
      Array.from({ length: 12 }, (_, i) => [`p${Math.floor(i / n)}`, i % n]),
    );
    // Requests begin in their order, whichever block ends first.
    expect(begun.map(({ id }) => id)).toEqual(Array.from({ length: 12 / n }, (_, i) => `p${i}`));
  });
});
