/** `generate` killed by SIGKILL and gone on with: no row is lost, none is made twice. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type JsonRow, readJsonl, toJsonl } from '../../src/util/files.js';
import { filesIn } from '../support/files-in.js';
import { temporaryFolder } from '../support/temporary.js';
import { tinyTraining } from '../support/tiny-training.js';
import { call, interrupt, start } from './command-line.js';

const { dir, at, jsonl } = filesIn(temporaryFolder());
const { base: model } = tinyTraining(dir);
const prompts = Array.from({ length: 30 }, (_, i) => ({ prompt: `${i}+${i}=` }));
writeFileSync(at('in.jsonl'), toJsonl(prompts));

const argv = (output: string, ...words: string[]) => [
  ...['generate', `model=${model}`, `input=${at('in.jsonl')}`, `output=${at(output)}`],
  ...['num_generations=4', 'batch_size=2', 'max_new_tokens=40', 'min_new_tokens=30', 'threads=1'],
  'rollout_precision=float32',
  ...words,
];

function linesIn(name: string): number {
  try {
    return readFileSync(at(name), 'utf8').split('\n').length - 1;
  } catch {
    return 0;
  }
}

const answer = { role: 'assistant', content: '2' };

const plain = ({ seconds: _, ...row }: JsonRow) => row;

describe('score', () => {
  it('gives the same log-probabilities by both runtimes, ids, texts and messages', async () => {
    const messages = [{ role: 'user', content: '1+1=' }];
    const rows = [{ ids: [5, 6, 7, 8] }, { text: '12+34=46' }, { messages: [...messages, answer] }];
    writeFileSync(at('texts.jsonl'), toJsonl(rows));
    const scores: JsonRow[][] = [];
    for (const engine of ['tensorflow', 'onnxruntime']) {
      const output = at(`${engine}.jsonl`);
      const files = [`model=${model}`, `input=${at('texts.jsonl')}`, `output=${output}`];
      const keys = ['compute_dtype=float32', 'threads=1', 'prompt_template={prompt}'];
      const { code, err } = await call(['score', ...files, ...keys, `engine=${engine}`]);
      expect(code, err.join('\n')).toBe(0);
      scores.push(readJsonl(output));
    }
    for (const [i, row] of scores[0]!.entries()) {
      const other = scores[1]![i]!;
      expect(other.ids).toEqual(row.ids);
      const [a, b] = [row.logprobs as number[], other.logprobs as number[]];
      expect(a.length).toBe((row.ids as number[]).length - 1);
      expect(Math.max(...a.map((x, t) => Math.abs(x - b[t]!)))).toBeLessThanOrEqual(1e-4);
    }
  }, 60_000);

  it('computes in the type that is asked for', async () => {
    writeFileSync(at('typed.jsonl'), toJsonl([{ text: '12+34=46' }]));
    const scores: number[][] = [];
    for (const type of ['float32', 'bfloat16']) {
      const output = at(`typed-${type}.jsonl`);
      const keys = [`compute_dtype=${type}`, `input=${at('typed.jsonl')}`, `output=${output}`];
      const { code, err } = await call(['score', `model=${model}`, 'threads=1', ...keys]);
      expect(code, err.join('\n')).toBe(0);
      scores.push(readJsonl(output)[0]!.logprobs as number[]);
    }
    const [exact, rounded] = scores as [number[], number[]];
    const largest = Math.max(...exact.map((x, t) => Math.abs(x - rounded[t]!)));
    expect(largest).toBeGreaterThan(1e-6);
    expect(largest).toBeLessThan(0.1);
  }, 60_000);
});

describe('generate', () => {
  it('goes on where SIGKILL stopped it, again and again', async () => {
    const whole = await call(argv('whole.jsonl'));
    expect(whole.code, whole.err.join('\n')).toBe(0);
    let kills = 0;
    for (const rows of [3, 50]) {
      const isDue = () => linesIn('killed.jsonl.part') >= rows;
      const words = kills === 0 ? [] : ['resume=auto'];
      const { code } = await interrupt(start(argv('killed.jsonl', ...words)), 'SIGKILL', isDue);
      if (code === null) kills++;
    }
    expect(kills).toBeGreaterThanOrEqual(2);
    const kept = linesIn('killed.jsonl.part');
    const last = await call(argv('killed.jsonl', 'resume=auto', `output_csv=${at('killed.csv')}`));
    expect(last.code, last.err.join('\n')).toBe(0);
    expect(last.err.at(-1)).toMatch(
      new RegExp(`^120 rows in .*killed.jsonl, ${kept} of them were`),
    );
    const rows = jsonl('killed.jsonl');
    expect(rows.map(plain)).toEqual(jsonl('whole.jsonl').map(plain));
    expect(linesIn('killed.csv')).toBeGreaterThanOrEqual(121);
  }, 120_000);

  it('keeps what is done at SIGTERM, and says how to go on', async () => {
    const isDue = () => linesIn('stopped.jsonl.part') >= 4;
    const { code, err } = await interrupt(start(argv('stopped.jsonl')), 'SIGTERM', isDue);
    expect(code).toBe(143);
    expect(err.at(-1)).toMatch(/^error: stopped while generating; \d+ rows? kept\. Go on with/);
    const refused = await call(argv('stopped.jsonl'));
    expect(refused.code).toBe(2);
    expect(refused.err.at(-1)).toMatch(
      /a call that did not finish\. Give overwrite=true to replace it, resume=auto to go on,/,
    );
  }, 60_000);
});
