import { describe, expect, it } from 'vitest';
import {
  loadTokenizer,
  type RenderExampleOptions,
  renderExample,
  renderPrompt,
  type Tokenizer,
} from '../../../src/tokenizer/index.js';
import { GuardError, InputError } from '../../../src/util/errors.js';
import { assistant, user } from '../../support/messages.js';
import { NEEDS_DATA } from '../../support/real-data.js';
import {
  byteTokenizer,
  hasTokenizers,
  realTokenizer,
  shown,
  TAGS,
} from '../../support/tokenizers.js';

const TWO_TURNS = { messages: [user('2+2?'), assistant('4'), user('3+3?'), assistant('6')] };

/** Rows as text with the trained part in « ». */
const show =
  (tokenizer: Tokenizer) =>
  (row: Record<string, unknown>, options: RenderExampleOptions = {}): string =>
    shown(tokenizer, renderExample(tokenizer, row, options));

describe('our own tokenizer', () => {
  it('trains every assistant turn through its EOS, or the last one, or everything', async () => {
    const render = show(await byteTokenizer());
    expect(render(TWO_TURNS)).toBe(
      '<|bos|><|user|>2+2?<|assistant|>«4<|eos|>»<|user|>3+3?<|assistant|>«6<|eos|>»',
    );
    expect(render(TWO_TURNS, { trainOn: 'last' })).toBe(
      '<|bos|><|user|>2+2?<|assistant|>4<|eos|><|user|>3+3?<|assistant|>«6<|eos|>»',
    );
    expect(render(TWO_TURNS, { trainOn: 'all' })).toBe(
      '<|bos|>«<|user|>2+2?<|assistant|>4<|eos|><|user|>3+3?<|assistant|>6<|eos|>»',
    );
  });

  it('trains everything behind a prompt, whoever writes it', async () => {
    const render = show(await byteTokenizer());
    const [ask, four, again, six] = TWO_TURNS.messages;
    const whole = { trainOn: 'completion' } as const;
    expect(render({ prompt: [ask], completion: [four, again, six] }, whole)).toBe(
      '<|bos|><|user|>2+2?<|assistant|>«4<|eos|><|user|>3+3?<|assistant|>6<|eos|>»',
    );
    expect(render({ prompt: [ask, four], completion: [again, six] }, whole)).toBe(
      '<|bos|><|user|>2+2?<|assistant|>4<|eos|>«<|user|>3+3?<|assistant|>6<|eos|>»',
    );
    expect(render({ prompt: [ask], completion: [{ ...four, weight: 0 }, again, six] }, whole)).toBe(
      '<|bos|><|user|>2+2?<|assistant|>«4<|eos|><|user|>3+3?<|assistant|>6<|eos|>»',
    );
  });

  it('leaves the output of tools out of the loss when asked, and trains the code', async () => {
    const render = show(await byteTokenizer());
    const solution =
      'Sum.\n```python\nprint(1)\n```\n```output\n1\n```\nAgain.\n```output\n2\n```\nSo 2.';
    const row = { messages: [user('1+1?'), assistant(solution)] };
    expect(render(row, { maskToolOutput: true })).toBe(
      '<|bos|><|user|>1+1?<|assistant|>«Sum.\n```python\nprint(1)\n```\n»```output\n1\n```\n«Again.\n»```output\n2\n```\n«So 2.<|eos|>»',
    );
    expect(render(row)).toBe(`<|bos|><|user|>1+1?<|assistant|>«${solution}<|eos|>»`);
    const cut = { prompt: 'Q:', completion: ' a\n```output\n1' };
    expect(render(cut, { maskToolOutput: true })).toBe('<|bos|>Q:« a\n»```output\n1«<|eos|>»');
  });

  it.each([
    ['a fence within a printed line', '```output\nsee ``` and ```python```\n```\n'],
    ['fewer backticks than its own', '````output\n```\n1\n```\n````\n'],
    ['spaces behind the fence', '```output\n1\n```  \n'],
    ['nothing', '```output\n```\n'],
    ['an indented fence', '```output\n1\n  ```\n'],
    ['a longer fence', '```output\n1\n````\n'],
    ['a fence behind its text alone', '```output\n42```'],
  ])('masks to the fence that closes an output with %s', async (_, output) => {
    const render = show(await byteTokenizer());
    const row = { prompt: 'Q:', completion: ` a\n${output}So 2.` };
    expect(render(row, { maskToolOutput: true })).toBe(`<|bos|>Q:« a\n»${output}«So 2.<|eos|>»`);
  });

  it('takes messages of weight 0 as context, as OpenAI does', async () => {
    const render = show(await byteTokenizer());
    const weighted = (first: unknown, last: unknown) => {
      const [ask, four, again, six] = TWO_TURNS.messages;
      return { messages: [ask, { ...four, weight: first }, again, { ...six, weight: last }] };
    };
    expect(render(weighted(0, 1))).toBe(
      '<|bos|><|user|>2+2?<|assistant|>4<|eos|><|user|>3+3?<|assistant|>«6<|eos|>»',
    );
    expect(render(weighted(null, 0))).toBe('<|bos|><|user|>2+2?<|assistant|>«4<|eos|>»');
    expect(() => render(weighted(0, 0))).toThrow('no assistant turn to train on');
    expect(() => render(weighted(1, 0.5))).toThrow('row: messages[3]: weight is 0.5');
  });

  it('knows weights where prompt_template takes the place of the chat template', async () => {
    const render = show(await byteTokenizer());
    const weighed = (weight: number) => () =>
      render(
        { messages: [user('hi'), { ...assistant('yo'), weight }] },
        { promptTemplate: '{prompt}:' },
      );
    expect(weighed(1)()).toBe('<|bos|>hi:«yo<|eos|>»');
    expect(weighed(0)).toThrow('no assistant turn to train on');
    expect(weighed(2)).toThrow('row: messages[1]: weight is 2');
  });

  it('knows the weight of a completion after a text', async () => {
    const render = show(await byteTokenizer());
    const pair = (weight: number) => () =>
      render({ prompt: 'hi', completion: [{ ...assistant('yo'), weight }] });
    expect(pair(1)()).toBe('<|bos|>hi«yo<|eos|>»');
    expect(pair(0)).toThrow('no assistant turn to train on');
    expect(pair(2)).toThrow('row: completion[0]: weight is 2');
  });

  it('puts the system prompt first, unless the row brings one', async () => {
    const render = show(await byteTokenizer());
    const messages = [user('hi'), assistant('yo')];
    expect(render({ messages }, { systemPrompt: 'Be brief.' })).toBe(
      '<|bos|><|system|>Be brief.<|user|>hi<|assistant|>«yo<|eos|>»',
    );
    const own = [{ role: 'system', content: 'Own.' }, ...messages];
    expect(render({ messages: own }, { systemPrompt: 'Be brief.' })).toContain(
      '<|system|>Own.<|user|>',
    );
  });

  it("reads ShareGPT's messages, and refuses roles that mean nothing here", async () => {
    const render = show(await byteTokenizer());
    const from = (name: string, value: string) => ({ from: name, value });
    const messages = [from('system', 'Be brief.'), from('human', 'hi'), from('gpt', 'yo')];
    expect(render({ messages })).toBe(
      '<|bos|><|system|>Be brief.<|user|>hi<|assistant|>«yo<|eos|>»',
    );
    expect(render({ prompt: [from('user', 'hi')], completion: from('assistant', 'yo') })).toBe(
      '<|bos|><|user|>hi<|assistant|>«yo<|eos|>»',
    );
    expect(() => render({ messages: [from('alien', 'hi')] })).toThrow(
      'row: messages[0]: from: "alien" is no known role',
    );
    expect(() => render({ messages: [from('constructor', 'hi')] })).toThrow('no known role');
    expect(() => render({ messages: [{ from: 'human' }] })).toThrow('expected {role, content}');
  });

  it('trains only the completion of a pair of message lists', async () => {
    const render = show(await byteTokenizer());
    const prompt = TWO_TURNS.messages.slice(0, 3);
    const expected = '<|bos|><|user|>2+2?<|assistant|>4<|eos|><|user|>3+3?<|assistant|>«6<|eos|>»';
    expect(render({ prompt, completion: [assistant('6')] })).toBe(expected);
    expect(render({ prompt, completion: '6' })).toBe(expected);
  });

  it('takes plain prompts as they stand, with one BOS and one EOS', async () => {
    const tokenizer = await byteTokenizer();
    const render = show(tokenizer);
    expect(render({ prompt: 'Q: 1+1\nA:', completion: ' 2' })).toBe('<|bos|>Q: 1+1\nA:« 2<|eos|>»');
    expect(render({ prompt: '<|bos|>Q:', completion: ' 2<|eos|>' })).toBe('<|bos|>Q:« 2<|eos|>»');
    expect(render({ prompt: 'Q:', completion: ' 2<|eos|>\n' })).toBe('<|bos|>Q:« 2<|eos|>»');
    expect(render({ prompt: 'Q:', completion: '' })).toBe('<|bos|>Q:«<|eos|>»');
    expect(render({ text: 'A plain text.' })).toBe('<|bos|>«A plain text.<|eos|>»');
    expect(tokenizer.decode(renderPrompt(tokenizer, { prompt: 'Q:' }))).toBe('<|bos|>Q:');
    expect(tokenizer.decode(renderPrompt(tokenizer, { prompt: '<|bos|>Q:' }))).toBe('<|bos|>Q:');
  });

  it('begins every example with the prompt that generation sees', async () => {
    const corpus = ['abc abc abc 123 the cat sat on the mat the cat'];
    const tokenizer = await byteTokenizer({ corpus, vocabSize: 300, addedTokens: TAGS });
    const rows = [
      { prompt: 'the c', completion: 'at sat' },
      { prompt: 'abc ', completion: 'abc' },
      { prompt: [user('the cat')], completion: [assistant('<SOLUTION>sat</SOLUTION>')] },
    ];
    for (const row of rows) {
      const prompt = renderPrompt(tokenizer, row);
      const { ids, trained } = renderExample(tokenizer, row);
      expect(ids.slice(0, prompt.length)).toEqual(prompt);
      expect(trained.indexOf(true)).toBe(prompt.length);
      expect(trained.slice(prompt.length).every(Boolean)).toBe(true);
    }
  });

  it('keeps the border of a completion where the text would have one token across it', async () => {
    const tokenizer = await byteTokenizer({ corpus: ['abc\tabc\tabc\tabc'], vocabSize: 270 });
    expect(tokenizer.encode('abc', { addSpecialTokens: false }).length).toBe(1);
    const split = renderExample(tokenizer, { prompt: 'ab', completion: 'c' });
    expect(split.splitAtBorder).toBe(true);
    expect(shown(tokenizer, split)).toBe('<|bos|>ab«c<|eos|>»');
    expect(renderExample(tokenizer, { prompt: 'x', completion: 'c' }).splitAtBorder).toBe(false);
  });
});

describe('prompt_template', () => {
  const promptTemplate = '### Question: {prompt}\n\\boxed{answer}\n### Answer:';

  it('writes plain prompts and single exchanges of messages alike', async () => {
    const tokenizer = await byteTokenizer({ chatTemplate: null });
    const render = show(tokenizer);
    const expected = '<|bos|>### Question: 1+1\n\\boxed{answer}\n### Answer:« 2<|eos|>»';
    expect(render({ prompt: '1+1', completion: ' 2' }, { promptTemplate })).toBe(expected);
    const messages = [user('1+1'), assistant(' 2')];
    expect(render({ messages }, { promptTemplate })).toBe(expected);
    const ids = renderPrompt(tokenizer, { messages: [user('1+1')] }, { promptTemplate });
    expect(`${tokenizer.decode(ids)}« 2<|eos|>»`).toBe(expected);
  });

  it('inserts dollars and braces of the prompt as they are', async () => {
    const render = show(await byteTokenizer({ chatTemplate: null }));
    const row = { prompt: 'costs $& {system} {prompt}', completion: 'x' };
    expect(render(row, { promptTemplate: '[{prompt}]' })).toBe(
      '<|bos|>[costs $& {system} {prompt}]«x<|eos|>»',
    );
  });

  it('places the system prompt, and refuses a template that would drop it', async () => {
    const render = show(await byteTokenizer({ chatTemplate: null }));
    const row = { messages: [user('hi'), assistant('yo')] };
    const withSystem = { promptTemplate: '{system}|{prompt}|', systemPrompt: 'S' };
    expect(render(row, withSystem)).toBe('<|bos|>S|hi|«yo<|eos|>»');
    expect(render(row, { promptTemplate: '{system}|{prompt}|' })).toBe('<|bos|>|hi|«yo<|eos|>»');
    expect(() => render(row, { promptTemplate: '{prompt}', systemPrompt: 'S' })).toThrow(
      /no \{system\}/,
    );
    expect(() => render(row, { promptTemplate: 'static' })).toThrow(
      /prompt_template: has no \{prompt\}/,
    );
  });

  it('takes the place of a chat template, and refuses longer conversations', async () => {
    const render = show(await byteTokenizer());
    const row = { messages: [user('hi'), assistant('yo')] };
    expect(render(row, { promptTemplate: '{prompt}>' })).toBe('<|bos|>hi>«yo<|eos|>»');
    expect(() => render(TWO_TURNS, { promptTemplate: '{prompt}>' })).toThrow(
      /writes one user message, found user, assistant, user/,
    );
  });
});

describe('bad rows', () => {
  it.each([
    [{ messages: [] }, /train:3: messages: expected a list/],
    [{ messages: [{ role: 'user' }] }, /messages\[0\]: expected \{role, content\}/],
    [{ messages: [user('hi')] }, /last message is from "user"/],
    [
      { messages: [user('hi'), { role: 'assistant', content: [{ type: 'image' }] }] },
      /messages\[1\].*\. Texts alone are trained on and sampled from, no image: leave the row out$/,
    ],
    [
      { messages: [user('hi'), { role: 'Assistant', content: 'yo' }] },
      /"Assistant", so there is no answer to learn\. The roles of messages are user, assistant, system, tool$/,
    ],
    [
      { messages: JSON.stringify([user('hi')]) },
      /It is the text of a list: write the list itself, without quotes$/,
    ],
    [{ question: 'hi' }, /needs messages, prompt and completion, or text; found question/],
    [{ question: 5, level: 'a', tag: null }, /or text; found question=5, level, tag=null$/],
    [{}, /found no field/],
    [{ prompt: 'hi' }, /found prompt/],
    [{ prompt: null, completion: 'a' }, /prompt: expected a text, or a list .*, found null$/],
    [
      { prompt: 'hi', completion: 3 },
      /completion: expected a text, or a list of messages with role and content, found 3$/,
    ],
    [{ prompt: 'hi', completion: [user('a'), assistant('b')] }, /completion of several messages/],
    [{ prompt: [user('hi')], completion: [user('a')] }, /last message is from "user"/],
  ])('refuses %j', async (row, message) => {
    const tokenizer = await byteTokenizer();
    const render = () => renderExample(tokenizer, row, { where: 'train:3' });
    expect(render).toThrow(InputError);
    expect(render).toThrow(/^train:3/);
    expect(render).toThrow(message);
  });

  it('refuses prompts that are empty, end with the assistant or lack a place for the system', async () => {
    const tokenizer = await byteTokenizer({ chatTemplate: '{{ messages[0].content }}' });
    const prompt = (row: Record<string, unknown>, systemPrompt?: string) => () =>
      renderPrompt(tokenizer, row, { systemPrompt });
    expect(prompt({ prompt: 'hi' })).not.toThrow();
    expect(prompt({ messages: [user('')] })).toThrow(/the prompt is empty/);
    expect(prompt({ messages: [user('hi'), assistant('yo')] })).toThrow(
      /ends with an assistant turn/,
    );
    expect(prompt({ text: 'hi' })).toThrow(/needs messages or prompt, found text/);
    expect(prompt({ prompt: 'hi' }, 'S')).toThrow(/no place for the system prompt/);
  });

  it('says so when there is neither chat template nor prompt_template', async () => {
    const tokenizer = await byteTokenizer({ chatTemplate: null });
    const message = /chat rows with neither chat template nor prompt_template/;
    expect(() => renderExample(tokenizer, TWO_TURNS)).toThrow(message);
    expect(() => renderPrompt(tokenizer, { messages: [user('hi')] })).toThrow(message);
    expect(() => renderExample(tokenizer, { prompt: 'a', completion: 'b' })).not.toThrow();
  });

  it('accepts content in text parts', async () => {
    const content = [
      { type: 'text', text: 'y' },
      { type: 'text', text: 'o' },
    ];
    const render = show(await byteTokenizer());
    expect(render({ messages: [user('hi'), { role: 'assistant', content }] })).toContain(
      '«yo<|eos|>»',
    );
  });
});

describe('variables of the chat template in the row', () => {
  const template =
    '{% if tools %}[{% for t in tools %}{{ t.name }}{% endfor %}]{% endif %}{% if loud %}!{% endif %}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}';
  const messages = [user('hi'), assistant('yo')];
  const tools = [{ name: 'add' }];
  const rowTokenizer = async (chatTemplate = template) =>
    await loadTokenizer((await byteTokenizer()).dir, { chatTemplate });

  it.each([
    [{ tools }, '[add]<user>hi<assistant>«yo<|eos|>»'],
    [{ tools: JSON.stringify(tools) }, '[add]<user>hi<assistant>«yo<|eos|>»'],
    [{ tools: [] }, '<user>hi<assistant>«yo<|eos|>»'],
    [{ tools: null, chat_template_kwargs: null }, '<user>hi<assistant>«yo<|eos|>»'],
    [{ chat_template_kwargs: { loud: true, other: null } }, '!<user>hi<assistant>«yo<|eos|>»'],
  ])('%j', async (columns, expected) => {
    const tokenizer = await rowTokenizer();
    const render = show(tokenizer);
    expect(render({ messages, ...columns })).toBe(expected);
    expect(render({ prompt: [user('hi')], completion: 'yo', ...columns })).toBe(expected);
    const prompt = renderPrompt(tokenizer, { messages: [user('hi')], ...columns });
    expect(`${tokenizer.decode(prompt)}«yo<|eos|>»`).toBe(expected);
    expect(render({ prompt: 'hi', completion: 'yo', ...columns })).toBe('<|bos|>hi«yo<|eos|>»');
  });

  it('come before those of the config', async () => {
    const render = show(await rowTokenizer());
    const templateArgs = { loud: true };
    const row = { messages, chat_template_kwargs: { loud: false } };
    expect(render({ messages }, { templateArgs })).toMatch(/^!/);
    expect(render(row, { templateArgs })).toMatch(/^<user>/);
  });

  it.each([
    [{ tools: 'hammer' }, /row: tools: expected a list of JSON schemas, found "hammer"/],
    [{ tools: { name: 'add' } }, /row: tools: expected a list of JSON schemas/],
    [{ chat_template_kwargs: [1] }, /row: chat_template_kwargs: expected a mapping/],
    [{ chat_template_kwargs: { lout: 1 } }, /row: lout: the chat template has no place for it/],
    [{ chat_template_kwargs: { 'a(': 1 } }, /row: a\(: the chat template has no place for it/],
  ])('%j is refused', async (columns, problem) => {
    const render = show(await rowTokenizer());
    expect(() => render({ messages, ...columns })).toThrow(InputError);
    expect(() => render({ messages, ...columns })).toThrow(problem);
  });

  it('are refused where nothing reads them', async () => {
    const render = show(await byteTokenizer());
    expect(() => render({ messages, tools })).toThrow(/row: tools: the chat template has no place/);
    expect(() => render({ messages, tools }, { promptTemplate: '{prompt}' })).toThrow(
      /row: tools: prompt_template has no place for it/,
    );
  });
});

describe('chat templates that break the prefix', () => {
  const withTemplate = async (chatTemplate: string): Promise<Tokenizer> =>
    await loadTokenizer((await byteTokenizer()).dir, { chatTemplate });

  it('names the turn that is rewritten once later turns follow', async () => {
    // Assistant turns before the last lose their content.
    const tokenizer = await withTemplate(
      "{% for m in messages %}[{{ m.role }}]{% if m.role == 'user' or loop.last %}{{ m.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}",
    );
    const render = (options: RenderExampleOptions) => () =>
      renderExample(tokenizer, TWO_TURNS, options);
    expect(render({})).toThrow(GuardError);
    expect(render({})).toThrow(/rewrites turn 2 \(assistant\) once later turns follow/);
    expect(shown(tokenizer, render({ trainOn: 'last' })())).toBe(
      '[user]2+2?[assistant][user]3+3?[assistant]«6<|eos|>»',
    );
  });

  it('notices a generation prompt that does not begin the turn', async () => {
    const tokenizer = await withTemplate(
      '{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant]<think>{% endif %}',
    );
    expect(() => renderExample(tokenizer, TWO_TURNS)).toThrow(GuardError);
    expect(() => renderExample(tokenizer, TWO_TURNS)).toThrow(
      /opens turn 2 \(assistant\) otherwise/,
    );
  });

  it('notices a turn that is trained and written otherwise', async () => {
    const tokenizer = await withTemplate(
      '{% for m in messages %}[{{ m.role }}]{{ m.content | upper }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}',
    );
    const row = { messages: [user('add'), assistant('4')] };
    const render = (roles: string[]) => () => renderExample(tokenizer, row, { roles });
    expect(render(['assistant', 'user'])).toThrow(GuardError);
    expect(render(['assistant', 'user'])).toThrow(/does not write turn 1 \(user\) as it stands/);
    expect(render(['assistant'])).not.toThrow();
  });

  it('trains the content of a turn, not a header with the same words, and no empty one', async () => {
    const tokenizer = await withTemplate(
      '{% for m in messages %}[{{ m.role }}]\n{{ m.content }};{% endfor %}{% if add_generation_prompt %}[assistant]\n{% endif %}',
    );
    const render = (content: string) =>
      shown(
        tokenizer,
        renderExample(
          tokenizer,
          { messages: [user(content), assistant('user')] },
          { roles: ['assistant', 'user'] },
        ),
      );
    expect(render('user')).toBe('[user]\n«user;»[assistant]\n«user;<|eos|>»');
    expect(render('user user')).toBe('[user]\n«user user;»[assistant]\n«user;<|eos|>»');
    expect(render(' ]\n')).toBe('[user]\n «]\n;»[assistant]\n«user;<|eos|>»');
    expect(render(' ')).toBe('[user]\n ;[assistant]\n«user;<|eos|>»');
  });

  it('appends EOS to the last turn where the template writes none', async () => {
    const tokenizer = await withTemplate(
      "{% for m in messages %}{{ m.role + ': ' + m.content + '\\n' }}{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}",
    );
    expect(shown(tokenizer, renderExample(tokenizer, TWO_TURNS))).toBe(
      'user: 2+2?\nassistant: «4\n»user: 3+3?\nassistant: «6\n<|eos|>»',
    );
  });
});

describe.skipIf(!hasTokenizers)(`templates of real models ${NEEDS_DATA}`, () => {
  it('qwen2.5: <|im_end|> is trained, the line break after it is not', async () => {
    const tokenizer = await realTokenizer('qwen2.5');
    const system =
      '<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n';
    expect(show(tokenizer)(TWO_TURNS)).toBe(
      `${system}<|im_start|>user\n2+2?<|im_end|>\n<|im_start|>assistant\n«4<|im_end|>»\n` +
        '<|im_start|>user\n3+3?<|im_end|>\n<|im_start|>assistant\n«6<|im_end|>»',
    );
    const { ids, trained } = renderExample(tokenizer, TWO_TURNS);
    const ends = ids.filter((id, i) => trained[i] && tokenizer.eosIds.includes(id));
    expect(ends.length).toBe(2);
  });

  it('minimind: the empty thinking block belongs to the prompt', async () => {
    const render = show(await realTokenizer('minimind'));
    const opening = '<|im_start|>assistant\n<think>\n\n</think>\n\n';
    expect(render(TWO_TURNS)).toBe(
      `<|im_start|>user\n2+2?<|im_end|>\n${opening}«4<|im_end|>»\n` +
        `<|im_start|>user\n3+3?<|im_end|>\n${opening}«6<|im_end|>»`,
    );
    const thinking = { messages: [user('2+2?'), assistant('<think>\nadd\n</think>\n\n4')] };
    expect(() => render(thinking)).toThrow(/opens turn 2 \(assistant\) otherwise/);
    expect(render(thinking, { templateArgs: { open_thinking: true } })).toBe(
      '<|im_start|>user\n2+2?<|im_end|>\n<|im_start|>assistant\n<think>\n«add\n</think>\n\n4<|im_end|>»',
    );
  });

  it('phi-3: an EOS after every rendering is no part of earlier turns', async () => {
    const render = show(await realTokenizer('phi-3-mini'));
    // Its tokenizer swallows white space after <|user|>, <|assistant|> and <|end|>.
    expect(render(TWO_TURNS)).toBe(
      '<|user|> 2+2?<|end|><|assistant|>«4<|end|>»<|user|> 3+3?<|end|><|assistant|>«6<|end|><|endoftext|>»',
    );
  });

  it('phi-3: tokens that cannot be split at the border are refused', async () => {
    const tokenizer = await realTokenizer('phi-3-mini');
    expect(() => renderExample(tokenizer, { prompt: 'Hel', completion: 'lo' })).toThrow(GuardError);
    expect(() => renderExample(tokenizer, { prompt: 'Hel', completion: 'lo' })).toThrow(
      /spans the border between prompt and completion/,
    );
    expect(() => renderExample(tokenizer, { prompt: 'A:', completion: ' 5' })).not.toThrow();
  });

  it('qwen3: thinking that history loses stops training on every turn, not on the last', async () => {
    const tokenizer = await realTokenizer('qwen2.5', 'qwen3');
    expect(() => renderExample(tokenizer, TWO_TURNS)).toThrow(/rewrites turn 2 \(assistant\)/);
    expect(show(tokenizer)(TWO_TURNS, { trainOn: 'last' })).toBe(
      '<|im_start|>user\n2+2?<|im_end|>\n<|im_start|>assistant\n4<|im_end|>\n' +
        '<|im_start|>user\n3+3?<|im_end|>\n<|im_start|>assistant\n«<think>\n\n</think>\n\n6<|im_end|>»',
    );
  });
});
