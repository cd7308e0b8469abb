import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  copyTokenizerFiles,
  loadTokenizer,
  tokenizerHash,
  writeByteTokenizer,
} from '../../../src/tokenizer/index.js';
import { InputError } from '../../../src/util/errors.js';
import { readJson, readJsonl, writeJson } from '../../../src/util/files.js';
import { dataPath, NEEDS_DATA } from '../../support/real-data.js';
import { temporaryFolder } from '../../support/temporary.js';
import { hasTokenizers, realTokenizer } from '../../support/tokenizers.js';

interface Vector {
  readonly tokenizer: string;
  readonly text: string;
  readonly ids: number[];
  readonly decoded_raw: string;
  readonly decoded_skip_special?: string;
}

/** A byte tokenizer's folder with its config changed. */
function folder(config: Record<string, unknown> = {}): string {
  const dir = temporaryFolder();
  writeByteTokenizer(dir);
  const path = join(dir, 'tokenizer_config.json');
  writeJson(path, { ...(readJson(path) as object), ...config });
  return dir;
}

describe('loadTokenizer', () => {
  it('names the file that is missing or malformed', async () => {
    const dir = folder();
    rmSync(join(dir, 'tokenizer_config.json'));
    await expect(loadTokenizer(dir)).rejects.toThrow(InputError);
    await expect(loadTokenizer(dir)).rejects.toThrow(/no tokenizer_config\.json/);
    rmSync(join(dir, 'tokenizer.json'));
    writeFileSync(join(dir, 'tokenizer.model'), '');
    await expect(loadTokenizer(dir)).rejects.toThrow(/no tokenizer\.json.*Only tokenizer\.model/);
    const broken = folder();
    writeFileSync(join(broken, 'tokenizer.json'), '{"model"');
    await expect(loadTokenizer(broken)).rejects.toThrow(/tokenizer\.json: not valid JSON/);
    const empty = folder();
    writeFileSync(join(empty, 'tokenizer.json'), '{}');
    await expect(loadTokenizer(empty)).rejects.toThrow(/not a usable tokenizer/);
    const nameless = folder({ added_tokens_decoder: { 5: null } });
    const entry = 'added_tokens_decoder has an entry that is not an object';
    await expect(loadTokenizer(nameless)).rejects.toThrow(`tokenizer_config.json: ${entry}`);
    await expect(loadTokenizer(folder({ chat_template: [null] }))).rejects.toThrow(
      /tokenizer_config\.json: chat_template is neither a text nor a list with a "default"/,
    );
    const odd = folder();
    const json = readJson(join(odd, 'tokenizer.json')) as object;
    const post_processor = { type: 'TemplateProcessing', single: [-1], pair: [] };
    writeJson(join(odd, 'tokenizer.json'), { ...json, post_processor });
    await expect(loadTokenizer(odd)).rejects.toThrow(/not a usable tokenizer: Cannot use 'in'/);
    const foreign = folder({ eos_token: '</s>' });
    await expect(loadTokenizer(foreign)).rejects.toThrow(/eos_token "<\/s>" has no id/);
  });

  it('takes U+0085 for white space and U+FEFF for none, as Python does', async () => {
    const dir = folder();
    const path = join(dir, 'tokenizer.json');
    const json = readJson(path) as { model: { vocab: Record<string, number> } };
    const vocab = { ...json.model.vocab, ĊĊ: 999 };
    writeJson(path, {
      ...json,
      model: { ...json.model, vocab, merges: ['Ċ Ċ'] },
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
    });
    const words = await loadTokenizer(dir);
    // tokenizers 0.23.3: lines that end before a character are two, before white space or the end one.
    const ids = (text: string) => words.encode(text, { addSpecialTokens: false });
    const [line] = ids('\n');
    expect(ids('\n\n\ufeff').slice(0, 2)).toEqual([line, line]);
    expect(ids('\n\n\u0085')[0]).toBe(999);
    expect(ids('\n\n')).toEqual([999]);
    const bytes = ['<0xEF>', '<0xBB>', '<0xBF>', 'a'];
    writeJson(path, {
      ...json,
      model: {
        ...json.model,
        vocab: Object.fromEntries(bytes.map((byte, id) => [byte, id])),
        merges: [],
      },
      added_tokens: [],
      post_processor: null,
      decoder: { type: 'Sequence', decoders: [{ type: 'ByteFallback' }, { type: 'Fuse' }] },
    });
    writeJson(join(dir, 'tokenizer_config.json'), {});
    expect((await loadTokenizer(dir)).decode([0, 1, 2, 3])).toBe('\ufeffa');
  });

  it('reads special tokens as texts, as objects and from special_tokens_map.json', async () => {
    const tokenizer = await loadTokenizer(
      folder({ eos_token: { content: '<|pad|>', lstrip: false } }),
    );
    expect(tokenizer.eosId).toBe(tokenizer.padId);
    const dir = folder({ eos_token: undefined });
    writeJson(join(dir, 'special_tokens_map.json'), { eos_token: { content: '<|user|>' } });
    const mapped = await loadTokenizer(dir);
    expect(mapped.decode([mapped.eosId!])).toBe('<|user|>');
    expect((await loadTokenizer(folder({ pad_token: null, bos_token: null }))).bosId).toBeNull();
  });

  it('adds the ends of generation_config.json, or else of config.json', async () => {
    const dir = folder();
    const own = (await loadTokenizer(dir)).eosId!;
    expect((await loadTokenizer(dir)).eosIds).toEqual([own]);
    writeJson(join(dir, 'config.json'), { eos_token_id: 5 });
    expect((await loadTokenizer(dir)).eosIds).toEqual([own, 5]);
    writeJson(join(dir, 'generation_config.json'), { eos_token_id: [7, own] });
    expect((await loadTokenizer(dir)).eosIds).toEqual([own, 7]);
    writeJson(join(dir, 'generation_config.json'), { eos_token_id: 'x' });
    await expect(loadTokenizer(dir)).rejects.toThrow(/generation_config\.json: eos_token_id/);
  });

  it('takes chat_template.jinja first, and the default of several templates', async () => {
    const named = (name: string) => ({ name, template: `{{ '${name}' }}` });
    const dir = folder({ chat_template: [named('rag'), named('default')] });
    const messages = [{ role: 'user', content: 'x' }];
    expect((await loadTokenizer(dir)).applyChatTemplate(messages)).toBe('default');
    writeFileSync(join(dir, 'chat_template.jinja'), 'file');
    expect((await loadTokenizer(dir)).applyChatTemplate(messages)).toBe('file');
    const without = folder({ chat_template: [named('rag')] });
    await expect(loadTokenizer(without)).rejects.toThrow(/chat_template is neither/);
  });

  it('turns a template that refuses, or is missing, into an error of ours', async () => {
    const refusing = folder({ chat_template: "{{ raise_exception('roles must alternate') }}" });
    const messages = [{ role: 'user', content: 'x' }];
    const apply = async (dir: string) => (await loadTokenizer(dir)).applyChatTemplate(messages);
    await expect(apply(refusing)).rejects.toThrow(InputError);
    await expect(apply(refusing)).rejects.toThrow(/refuses the messages: roles must alternate/);
    await expect(apply(folder({ chat_template: null }))).rejects.toThrow(
      /chat rows with neither chat template nor prompt_template/,
    );
  });

  // The expected texts are Python's.
  it.each([
    ["m.lstrip('\\n')", '  \n a \n', '  \n a \n'],
    ["m.rstrip('\\n')", '  \n a \n', '  \n a '],
    ["m.strip('\\n ')", '  \n a \n', 'a'],
    ["m.strip('xb')", 'xaybx', 'ay'],
    ["m.strip('😀')", '😀a😀', 'a'],
    ["m.strip('x')", 'x', ''],
    ['m.strip()', '  \n a \n', 'a'],
  ])('%s strips what it is told to', async (call, text, expected) => {
    const dir = folder({ chat_template: `{% set m = messages[0].content %}[{{ ${call} }}]` });
    const messages = [{ role: 'user', content: text }];
    expect((await loadTokenizer(dir)).applyChatTemplate(messages)).toBe(`[${expected}]`);
  });

  it('refuses an object in place of a text, as Python does', async () => {
    const tokenizer = await loadTokenizer(folder({ chat_template: "{{ 'f' + messages[0].x }}" }));
    const written = (x: unknown) => tokenizer.applyChatTemplate([{ role: 'user', content: '', x }]);
    expect(written('{}')).toBe('f{}');
    expect(() => written({ a: 1 })).toThrow(/writes an object .* as JSON text/);
    expect(written('[object Map]')).toBe('f[object Map]');
  });

  it('decodes nothing to nothing, and never cleans up spaces', async () => {
    const tokenizer = await loadTokenizer(folder({ clean_up_tokenization_spaces: true }));
    expect(tokenizer.decode([])).toBe('');
    expect(tokenizer.decode(tokenizer.encode('1 . 2', { addSpecialTokens: false }))).toBe('1 . 2');
  });

  it('lists and copies the files that make up the tokenizer', async () => {
    const dir = folder();
    writeJson(join(dir, 'generation_config.json'), { eos_token_id: [3] });
    writeJson(join(dir, 'config.json'), {});
    const { files, eosIds } = await loadTokenizer(dir);
    expect(files).toEqual(['tokenizer.json', 'tokenizer_config.json', 'generation_config.json']);
    const copy = join(temporaryFolder(), 'new');
    copyTokenizerFiles(dir, copy);
    expect(await loadTokenizer(copy)).toMatchObject({ files, eosIds });
  });

  it('has a hash that any of its files changes', async () => {
    const dir = folder();
    const hash = async () => tokenizerHash(await loadTokenizer(dir));
    const before = await hash();
    expect(await hash()).toBe(before);
    writeJson(join(dir, 'generation_config.json'), { eos_token_id: [3] });
    expect(await hash()).not.toBe(before);
  });

  it('copies no tokenizer whose folder is gone', () => {
    expect(() => copyTokenizerFiles(join(folder(), 'gone'), temporaryFolder())).toThrow(
      /gone\/tokenizer\.json: no such file/,
    );
  });
});

describe.skipIf(!hasTokenizers)(`real tokenizers ${NEEDS_DATA}`, () => {
  const vectors = hasTokenizers
    ? (readJsonl(dataPath('tokenizers', 'encode_vectors.jsonl')) as unknown as Vector[])
    : [];

  it.each(['gpt2', 'minimind', 'phi-3-mini', 'qwen2.5'])(
    '%s gives the reference ids and texts',
    async (name) => {
      const tokenizer = await realTokenizer(name);
      const own = vectors.filter((vector) => vector.tokenizer === name);
      expect(own.length).toBeGreaterThan(20);
      for (const { text, ids, decoded_raw: raw, decoded_skip_special: skipped } of own) {
        expect(tokenizer.encode(text, { addSpecialTokens: false })).toEqual(ids);
        expect(tokenizer.decode(ids)).toBe(raw);
        if (skipped !== undefined) {
          expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(skipped);
        }
      }
    },
  );

  it('adds tokens that only tokenizer_config.json knows', async () => {
    const tokenizer = await realTokenizer('qwen2.5', 'qwen3');
    expect(tokenizer.encode('<think>')).toEqual([151667]);
  });
});
