/** `--preview N` of each trainer: the rows with their trained parts, counts, and what was cut. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { previewText } from '../../../../src/report/index.js';
import { toJsonl } from '../../../../src/util/files.js';
import { call } from '../../../support/call.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { tinyTraining } from '../../../support/tiny-training.js';

const dir = temporaryFolder();

const TAGS = ['reasoning_start=[', 'reasoning_end=]', 'solution_start={', 'solution_end=}'].map(
  (word) => word.replace(/=(.)$/, '="$1"'),
);
const { base } = tinyTraining(dir);
const rows = join(dir, 'own.jsonl');
const pairs = join(dir, 'own-pairs.jsonl');

beforeAll(() => {
  const question = 'Is 1+1 2?';
  writeFileSync(
    rows,
    toJsonl([
      { question, answer: '1+1\n#### 2' },
      { question, answer: `${'1+'.repeat(60)}1\n#### 61` },
    ]),
  );
  writeFileSync(pairs, toJsonl([{ question, chosen: '{2}', rejected: '{3}' }]));
});

const preview = (command: string, path: string, ...more: string[]) =>
  call([
    ...[command, `model=${base}`, `dataset.path=${path}`, 'prompt_template={prompt}\n', ...TAGS],
    ...['dataset.shuffle=false', `output_dir=${join(dir, 'out')}`, ...more],
  ]);

describe('--preview', () => {
  it('sft: marks the answers, and says what is cut', async () => {
    const { code, out, err } = await preview('sft', rows, 'max_length=32', '--preview', '1');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const [head, ...lines] = out.split('\n');
    expect(head).toMatch(/^── row 1: \d+ tokens, \d+ trained ──$/);
    expect(lines[0]).toMatch(/^(<\|bos\|>)?Is 1\+1 2\?$/);
    expect(lines[1]).toBe('⟦[1+1]{2}<|eos|>⟧');
    expect(out).toContain('2 sequences, ');
    expect(out).toContain('data: 1 row cut to 32 tokens');
    expect(out).toContain('writes ');
    expect(out).not.toContain('row 2');
    expect(existsSync(join(dir, 'out'))).toBe(false);
  });

  it('sft --json: the same as data', async () => {
    const { out } = await preview('sft', rows, '--preview=2', '--json');
    const { rows: shown, counts } = JSON.parse(out);
    expect(shown).toHaveLength(2);
    expect(shown[0].segments.map(({ isTrained }: { isTrained: boolean }) => isTrained)).toEqual([
      false,
      true,
    ]);
    expect(counts.tokens).toBe(shown[0].tokens + shown[1].tokens);
    expect(counts.trained).toBe(shown[0].trained + shown[1].trained);
    expect(counts.longest).toBe(shown[1].tokens);
  });

  it('dpo: both answers of a pair; grpo: the prompt', async () => {
    const dpo = (await preview('dpo', pairs, '--preview', '1')).out;
    expect(dpo).toMatch(/── row 1, chosen: .*\n.*\n⟦\{2\}<\|eos\|>⟧/);
    expect(dpo).toMatch(/── row 1, rejected: .*\n.*\n⟦\{3\}<\|eos\|>⟧/);
    const grpo = await preview('grpo', rows, 'max_completion_length=20', '--preview', '2');
    expect(grpo.out).toMatch(/── row 2, prompt of completions up to 20 tokens: \d+ tokens, 0 tr/);
  });

  it.each([
    ['dpo', []],
    ['kto', ['loss_type=kto']],
  ])(
    '%s: rows whose answers begin with the prompt, as UltraFeedback writes them',
    async (_, loss) => {
      const turns = (question: string, answer: string) => [
        { role: 'user', content: question },
        { role: 'assistant', content: answer },
      ];
      const [chosen, rejected] = [turns('sky?', 'blue'), turns('sky?', 'green')];
      const other = { chosen: turns('sea?', 'blue'), rejected: turns('sea?', 'green') };
      const path = join(dir, 'ultra.jsonl');
      writeFileSync(path, toJsonl([{ prompt: 'sky?', chosen, rejected, messages: chosen }, other]));
      const { out, err } = await preview('dpo', path, '--preview', '4', ...loss);
      expect(err).toBe('');
      const learnt = [...out.matchAll(/s(?:ky|ea)\?\n⟦(.*)<\|eos\|>⟧/g)].map(
        ([, answer]) => answer,
      );
      expect(learnt).toEqual(['blue', 'green', 'blue', 'green']);
      expect(out).toContain('data: in 1 of 2 rows the prompt is what their answers begin with');
      expect(out).toContain('data: in 1 of 2 rows the prompt stands in front of their answers too');
    },
  );

  it('kto: answers that are all to one prompt are refused', async () => {
    const { code, err } = await preview('dpo', pairs, '--preview', '1', 'loss_type=kto');
    expect(code).toBe(2);
    expect(err).toMatch(/dataset: all of its answers \(2\) are to one prompt.*apo_zero_unpaired/);
    const free = await preview('dpo', pairs, '--preview', '1', 'loss_type=apo_zero_unpaired');
    expect(free.code).toBe(0);
  });

  it('renders by the template and the variables that are given, and refuses unread ones', async () => {
    const path = join(dir, 'chat.jsonl');
    const template = join(dir, 'own.jinja');
    writeFileSync(path, toJsonl([{ question: 'sky?', completion: 'blue' }]));
    writeFileSync(
      template,
      "{{ mood }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{{ '[assistant]' if add_generation_prompt }}",
    );
    const base_ = [`model=${base}`, `dataset.path=${path}`, `output_dir=${join(dir, 'out')}`];
    const words = [...base_, `chat_template_path=${template}`];
    const grpo = [...words, 'max_completion_length=20', 'rewards=[{name: format}]', ...TAGS];
    const happy = await call([
      ...['grpo', ...grpo, 'chat_template_kwargs={mood: ":)"}', '--preview', '1'],
    ]);
    expect(happy.out).toContain('\n:)[user]sky?[assistant]\n');
    const sft = await call(['sft', ...words, ...TAGS, '--preview', '1']);
    expect(sft.out).toContain('\n[user]sky?[assistant]⟦blue<|eos|>⟧\n');
    const typo = await call(['sft', ...words, 'chat_template_kwargs={moood: 1}', '--preview', '1']);
    expect(typo.code).toBe(2);
    expect(typo.err).toMatch(/chat_template_kwargs\.moood: the chat template reads no such name/);
    const unused = await call([
      ...['sft', ...base_, 'prompt_template="{prompt}"', 'chat_template_kwargs={mood: 1}'],
      ...['--preview', '1'],
    ]);
    expect(unused.err).toMatch(/chat_template_kwargs\.mood: no chat template is used/);
    const taken = await call(['sft', ...base_, 'chat_template_kwargs={messages: 1}']);
    expect(taken.err).toMatch(/chat_template_kwargs/);
    expect(taken.code).toBe(2);
  });

  it('dpo: says where a row has no prompt or lacks an answer', async () => {
    const path = join(dir, 'bare.jsonl');
    writeFileSync(path, toJsonl([{ chosen: 'blue', rejected: 'black' }]));
    const bare = await preview('dpo', path, '--preview', '1');
    expect(bare.code).toBe(2);
    expect(bare.err).toMatch(/bare\.jsonl:1: the answers have no beginning in common/);
    writeFileSync(path, toJsonl([{ prompt: 'sky?', chosen: 'blue' }]));
    const half = await preview('dpo', path, '--preview', '1');
    expect(half.err).toMatch(/bare\.jsonl:1: no column "rejected" \(it has prompt, chosen\)/);
  });

  it('grpo: prompts without room stop it, are left out, or are cut, as overlong_prompts says', async () => {
    const path = join(dir, 'long.jsonl');
    const long = `${'1+'.repeat(80)}1`;
    writeFileSync(
      path,
      toJsonl([
        { question: long, answer: '601' },
        { question: 'Is?', answer: '2' },
      ]),
    );
    const grpo = (...words: string[]) =>
      preview('grpo', path, 'max_completion_length=20', '--preview', '2', ...words);
    const stopped = await grpo();
    expect(stopped.code).toBe(2);
    expect(stopped.err).toMatch(/long\.jsonl:1: its prompt has 163 tokens.*overlong_prompts/);
    const dropped = await grpo('overlong_prompts=drop');
    expect(dropped.out).toContain('1 sequence, ');
    expect(dropped.out).toContain('data: 1 of 2 rows left out: prompts too long');
    const cut = await grpo('overlong_prompts=left');
    expect(cut.out).toContain('2 sequences, ');
    expect(cut.out).toContain('data: 1 of 2 prompts cut at their beginning: too long');
    const none = await grpo('overlong_prompts=drop', 'dataset.num_samples=1');
    expect(none.err).toMatch(
      /dataset: none of its prompts \(1\) leaves room for a completion\. Lower max_completion_length$/m,
    );
    const longest = await grpo('max_completion_length=9999');
    expect(longest.err).toMatch(/max_completion_length: 9999 tokens leave no room/);
  });

  it('is refused where there is none, and for a number that is none', async () => {
    expect((await call(['doctor', '--preview', '1'])).err).toMatch(/doctor has no preview/);
    const { code, err } = await preview('sft', rows, '--preview', '0');
    expect(code).toBe(2);
    expect(err).toMatch(/0 is no number of rows/);
  });
});

describe('previewText', () => {
  it('colours what is trained and shows control characters of the data as pictures', () => {
    const segments = [
      { text: 'a\u001b[31m\n', isTrained: false },
      { text: 'b', isTrained: true },
    ];
    const row = { label: 'row 1', segments, tokens: 3, trained: 1 };
    const counts = { sequences: 1, tokens: 3, trained: 1, longest: 3 };
    expect(previewText([row], { counts, colours: true })).toBe(
      '── row 1: 3 tokens, 1 trained ──\na␛[31m\n\u001b[32mb\u001b[0m\n\n1 sequence, 3 tokens, 1 trained (33.3%), longest 3',
    );
  });
});
