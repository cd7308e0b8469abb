/** The chat on a tiny model: the tokens of `generate`, turn by turn; its commands; how it is stopped. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { chatSchema, generateSchema, loadConfig } from '../../../../src/config/index.js';
import { help } from '../../../../src/recipes/chat/commands.js';
import { Conversation } from '../../../../src/recipes/chat/conversation.js';
import { Terminal } from '../../../../src/recipes/chat/terminal.js';
import { runChat } from '../../../../src/recipes/chat.js';
import { runGenerate } from '../../../../src/recipes/generate.js';
import { openModel } from '../../../../src/recipes/inputs/model-source.js';
import { openServedModels } from '../../../../src/recipes/sampling/served-models.js';
import { PLAIN_SAMPLING } from '../../../../src/rollout/index.js';
import { renderExample } from '../../../../src/tokenizer/index.js';
import { readJsonl, toJsonl } from '../../../../src/util/files.js';
import { SILENT } from '../../../support/context.js';
import { filesIn } from '../../../support/files-in.js';
import { assistant, system, user } from '../../../support/messages.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { tinyTraining } from '../../../support/tiny-training.js';
import { writeRandomAdapter } from '../random-adapter.js';

const { dir, at, jsonl } = filesIn(temporaryFolder());
const TEMPLATE =
  "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}";
const { base: model } = tinyTraining(dir);

beforeAll(() => {
  writeFileSync(at('chat.jinja'), TEMPLATE);
  writeRandomAdapter({ model, dir: at('adapter') });
});

const shared = () => [
  ...[`model=${model}`, `chat_template_path=${at('chat.jinja')}`, 'threads=1'],
  ...['rollout_precision=float32', 'max_new_tokens=12'],
];
const configOf = (words: readonly string[]) =>
  loadConfig(chatSchema, { overrides: [...shared(), 'temperature=0', ...words] });

/** What was answered, each answer apart, and what was said beside. */
async function chat(lines: readonly string[], ...words: string[]) {
  const notes: string[] = [];
  const output = new PassThrough({ encoding: 'utf8' });
  await runChat(
    configOf(words),
    { ...SILENT, log: (line) => notes.push(line) },
    { input: Readable.from([`${lines.join('\n')}\n`]), output, isInteractive: false },
  );
  output.end();
  return { out: ((await output.toArray()) as string[]).join(''), notes: notes.join('\n') };
}

/** Greedy answers to these messages. */
async function answers(messages: readonly object[][], ...words: string[]): Promise<string[]> {
  writeFileSync(at('in.jsonl'), toJsonl(messages.map((one) => ({ messages: one }))));
  const files = [`input=${at('in.jsonl')}`, `output=${at('out.jsonl')}`, 'overwrite=true'];
  const overrides = [...shared(), ...files, 'temperature=0', ...words];
  await runGenerate(loadConfig(generateSchema, { overrides, env: {} }), SILENT);
  return jsonl('out.jsonl').map(({ completion }) => completion as string);
}

describe('answers', () => {
  it('are those of generate, and know the turns before', async () => {
    const [first] = await answers([[user('1+2=')]]);
    const [second] = await answers([[user('1+2='), assistant(first!), user('3+4=')]]);
    const { out } = await chat(['1+2=', '', '3+4=']);
    expect(out).toBe(`${first}\n${second}\n`);
    expect(first!.length).toBeGreaterThan(3);
  });

  it('follow /system and /clear', async () => {
    const [plain, instructed] = await answers([[user('7+2=')], [system('Add.'), user('7+2=')]]);
    expect(instructed).not.toBe(plain);
    const { out } = await chat(['/system Add.', '7+2=', '/clear', '/system', '7+2=']);
    expect(out).toBe(`${instructed}\n${plain}\n`);
    expect((await chat(['7+2='], 'system=Add.')).out).toBe(`${instructed}\n`);
  });

  it('of each turn alone with prompt_template', async () => {
    const words = ['prompt_template="Q: {prompt} A:"', 'chat_template_path=null'];
    const [first, second] = await answers([[user('1+2=')], [user('3+4=')]], ...words);
    const { out, notes } = await chat(['1+2=', '3+4='], ...words);
    expect(out).toBe(`${first}\n${second}\n`);
    expect(notes).toMatch(/no turn knows another/);
  });
});

describe('a line with two slashes', () => {
  it('says what follows the first to the model', async () => {
    const [answer] = await answers([[user('/tmp 1+2=')]]);
    const { out, notes } = await chat(['//tmp 1+2=', '/tmp']);
    expect(out).toBe(`${answer}\n`);
    expect(notes).toContain(
      'no command /tmp. /help lists them; a text that begins with / is written',
    );
  });
});

describe('an answer that is cut off', () => {
  it.each([
    ['max_new_tokens=2', '(cut off after 2 tokens: max_new_tokens)'],
    ['max_model_len=24', 'the context ends (max_model_len, or the model)'],
  ])('by %s', async (word, why) => {
    const { notes } = await chat(['1+2='], 'max_new_tokens=100', word);
    expect(notes).toContain(why);
  });
});

describe('a further turn', () => {
  it('computes what is new of the prompt, and says the same', async () => {
    const lines = ['1+2+3+4+5+6+7+8=', '9', '/regenerate', '0'];
    const { out } = await chat(lines);
    expect((await chat(lines, 'prefix_cache_mib=0')).out).toBe(out);
    const config = configOf([]);
    const served = await openServedModels({ ...config, batch_size: 1 }, [], SILENT);
    const params = { ...PLAIN_SAMPLING, temperature: 0, maxNewTokens: 12, seed: 1 };
    const conversation = new Conversation({ served, params, render: {} });
    const sink = { signal: new AbortController().signal, onText: () => undefined };
    const [first, second, again] = [
      await conversation.say('1+2+3+4+5+6+7+8=', sink),
      await conversation.say('9', sink),
      await conversation.again('new', sink),
    ];
    expect(first.cachedTokens).toBe(0);
    expect(second.cachedTokens).toBeGreaterThanOrEqual(first.promptIds.length);
    expect(again.cachedTokens).toBe(second.promptIds.length - 1);
    expect(`${first.text}\n${second.text}\n${again.text}\n`).toBe(
      out.split('\n').slice(0, 3).join('\n').concat('\n'),
    );
    served.close();
  });
});

describe('/base', () => {
  it('shows what the base says to the last message, and goes back', async () => {
    const adapter = `adapter=${at('adapter')}`;
    const [trained] = await answers([[user('1+2=')]], adapter);
    const [base] = await answers([[user('1+2=')]]);
    expect(trained).not.toBe(base);
    const { out, notes } = await chat(['1+2=', '/base', '/base'], adapter);
    expect(out).toBe(`${trained}\n${base}\n${trained}\n`);
    expect(notes).toMatch(/base model: .*base\n(.*\n)?with the adapter: .*adapter/);
  });

  it('answers from the same random stream, /regenerate from another', async () => {
    const lines = ['1+2=', '/base', '/base', '/regenerate', '/base', '/base'];
    const words = [`adapter=${at('adapter')}`, 'temperature=1', 'max_new_tokens=8', 'stop=["\\n"]'];
    const { out } = await chat(lines, ...words);
    const [first, , again, other, , otherAgain] = out.split('\n');
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    expect(otherAgain).toBe(other);
  });
});

describe('/save', () => {
  it('appends rows that sft takes', async () => {
    const file = at('saved/here.jsonl');
    await chat([
      '/system Add.',
      '1+2=',
      '3+4=',
      `/save ${file}`,
      '/clear',
      '5+5=',
      `/save ${file}`,
    ]);
    const rows = readJsonl(file);
    const roles = rows.map(({ messages }) => (messages as { role: string }[]).map((m) => m.role));
    expect(roles).toEqual([
      ['system', 'user', 'assistant', 'user', 'assistant'],
      ['system', 'user', 'assistant'],
    ]);
    const source = await openModel({ model, chat_template_path: at('chat.jinja') }, SILENT);
    source.close();
    const example = renderExample(source.tokenizer, rows[0]!);
    expect(example.trained).toContain(true);
    expect(readFileSync(file, 'utf8').endsWith('}\n')).toBe(true);
  });
});

describe('mistakes', () => {
  it('are said, and the chat goes on', async () => {
    const long = '1'.repeat(300);
    const lines = [
      '/bse',
      '/base',
      '/save',
      '/save x',
      '/regenerate',
      long,
      `/save ${dir}`,
      '1+2=',
    ];
    const bad = [`/save ${dir}`, `/save ${at('chat.jinja')}/x.jsonl`];
    const { out, notes } = await chat([...lines, ...bad, '/exit', '9+9=']);
    const [answer] = await answers([[user('1+2=')]]);
    expect(out).toBe(`${answer}\n`);
    const said = notes.split('\n').filter((line) => line.startsWith('error: '));
    expect(said).toEqual([
      expect.stringMatching(/no command \/bse. The nearest is \/base/),
      expect.stringMatching(/no adapter to take off/),
      expect.stringMatching(/it needs a FILE/),
      expect.stringMatching(/no answer to save yet/),
      expect.stringMatching(/there is no answer yet/),
      expect.stringMatching(/the context holds 128. \/clear begins anew/),
      expect.stringMatching(/no answer to save yet/),
      expect.stringMatching(/cannot be written \(EISDIR.*Choose another place/),
      expect.stringMatching(/chat.jinja: is a file, not a folder. Choose another place/),
    ]);
  });

  it('a model without chat template is refused at once', async () => {
    cpSync(model, at('bare'), { recursive: true });
    rmSync(at('bare/chat_template.jinja'), { force: true });
    const file = at('bare/tokenizer_config.json');
    const { chat_template: _, ...config } = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify(config));
    const run = chat(['1+2='], `model=${at('bare')}`, 'chat_template_path=null');
    await expect(run).rejects.toThrow(/neither chat template nor prompt_template.*Set prompt_/);
  });
});

it.each([
  [true, 'a\tb\n␛[2J␍␇␡\\x9b'],
  [false, 'a\tb\n\u001b[2J\r\u0007\u007f\u009b'],
])(
  'control characters of an answer are shown, not obeyed, by a terminal (%s)',
  (isTTY, expected) => {
    const output = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY });
    const terminal = new Terminal(
      { input: Readable.from([]), output, isInteractive: false },
      () => {},
    );
    terminal.write('a\tb\n\u001b[2J\r\u0007\u007f\u009b');
    terminal.close();
    expect(output.read()).toBe(expected);
  },
);

/** A chat at a terminal: what is typed, shown and said. */
function atTerminal(...words: string[]) {
  const input = new PassThrough();
  const output = new PassThrough({ encoding: 'utf8' });
  const notes: string[] = [];
  const screen = { shown: '' };
  output.on('data', (text: string) => {
    screen.shown += text;
  });
  const context = { ...SILENT, log: (line: string) => notes.push(line) };
  const ended = runChat(configOf(words), context, { input, output, isInteractive: true });
  return { type: (keys: string) => input.write(keys), notes, screen, output, ended };
}

const LEAVES = '\n(Ctrl-C once more leaves)';

describe('Ctrl-C', () => {
  it('stops an answer; twice after it leaves', async () => {
    const words = ['max_new_tokens=100', 'temperature=1'];
    const { type, notes, screen, output, ended } = atTerminal(...words);
    const stop = () => {
      // The answer has begun: its line was echoed and something follows.
      if (!/1\+2=\r\n[^\r\n>]/.test(screen.shown)) return;
      output.off('data', stop);
      type('\x03');
    };
    output.on('data', stop);
    type('1+2=\r');
    await expect.poll(() => notes).toContain('(stopped)');
    type('\x03');
    await expect.poll(() => notes).toContain(LEAVES);
    type('\x03');
    await ended;
    expect(screen.shown.startsWith('\u001b')).toBe(true);
  });

  it('takes back what is typed, and leaves from an empty line alone', async () => {
    const { type, notes, screen, ended } = atTerminal();
    await expect.poll(() => screen.shown).toContain('> ');
    type('/hel\x02\x03');
    type('\x03');
    await expect.poll(() => notes).toContain(LEAVES);
    // There is a prompt again.
    await expect.poll(() => screen.shown).toMatch(/> [^a-z]*> [^a-z]*$/);
    type('/nothing\r');
    await expect.poll(() => notes.at(-1)).toMatch(/no command \/nothing\./);
    type('\x03\x03');
    await ended;
  });

  it('a signal of the process ends the chat, whatever lines wait', async () => {
    const stop = new AbortController();
    const output = new PassThrough({ encoding: 'utf8' });
    const input = new PassThrough();
    const context = { ...SILENT, signal: stop.signal };
    const ended = runChat(configOf([]), context, { input, output, isInteractive: false });
    input.write('1+2=\n3+4=\n5+6=\n');
    let answers = '';
    output.on('data', (text: string) => {
      answers += text;
      stop.abort('SIGTERM');
    });
    await expect(ended).resolves.toBeUndefined();
    expect(answers).toMatch(/^[^\n]*\n$/);
  });
});

it('what is pasted is one message', async () => {
  const file = at('pasted.jsonl');
  const { type, notes, screen, ended } = atTerminal();
  type('\x1b[200~1+\r\n2\x1b[201~=\r');
  await expect.poll(() => notes.at(-1)).toMatch(/cut off after 12/);
  type(`/save ${file}\r/exit\r`);
  await ended;
  expect(readJsonl(file)[0]!.messages).toMatchObject([user('1+\n2='), { role: 'assistant' }]);
  expect(screen.shown.split('\x1b[?2004')[1]).toMatch(/^h/);
  expect(screen.shown.split('\x1b[?2004').at(-1)).toMatch(/^l/);
});

it('a line that was typed during an answer is shown before its own', async () => {
  const { type, screen, output, ended } = atTerminal('temperature=1');
  const further = () => {
    if (!/1\+2=\r\n[^\r\n>]/.test(screen.shown)) return;
    output.off('data', further);
    type('3+4=\r/exit\r');
  };
  output.on('data', further);
  type('1+2=\r');
  await ended;
  expect(screen.shown).toMatch(/\n> 3\+4=\n[^>]*\n> \/exit\n/);
});

it('the end of the input ends the row of the prompt', async () => {
  const { type, screen, ended } = atTerminal();
  type('\x04');
  await ended;
  expect(screen.shown).toMatch(/> [^\n]*\n/);
});

it('is read again after Ctrl-Z and fg', async () => {
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
  const { type, notes, ended } = atTerminal();
  type('\x1a');
  await expect.poll(() => kill.mock.calls).toEqual([[process.pid, 'SIGTSTP']]);
  kill.mockRestore();
  process.emit('SIGCONT', 'SIGCONT');
  type('/nothing\r');
  await expect.poll(() => notes.at(-1)).toMatch(/no command \/nothing\./);
  type('/exit\r');
  await ended;
});

it('its help fits a terminal of 80 columns', () => {
  expect(Math.max(...help().map((line) => line.length))).toBeLessThan(80);
});
