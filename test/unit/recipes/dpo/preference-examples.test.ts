/** Errors in the examples of preference rows name the row. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dpoSchema } from '../../../../src/config/index.js';
import { readAnswers, readPairs } from '../../../../src/recipes/dpo/preference-examples.js';
import type { ModelSource } from '../../../../src/recipes/inputs/model-source.js';
import { loadTokenizer } from '../../../../src/tokenizer/index.js';
import { logInto, SILENT } from '../../../support/context.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { byteTokenizer } from '../../../support/tokenizers.js';

const TEMPLATE =
  "{{ bos_token }}{% for m in messages %}{% if 'twice' in m.content %}{{ bos_token }}{% endif %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";

async function reading(rows: readonly object[], lossType: string, maxLength?: number) {
  const path = join(temporaryFolder(), 'rows.jsonl');
  writeFileSync(path, rows.map((row) => JSON.stringify(row)).join('\n'));
  const { dir } = await byteTokenizer();
  const tokenizer = await loadTokenizer(dir, { chatTemplate: TEMPLATE });
  const config = dpoSchema.parse({
    model: dir,
    dataset: { path },
    loss_type: lossType,
    max_length: maxLength,
  });
  const source = { tokenizer, spec: { maxPositions: 1000 } } as unknown as ModelSource;
  return [config, source, SILENT] as const;
}

const ask = (content: string) => [{ role: 'user', content }];

describe('two beginning-of-sequence tokens', () => {
  it('in a pair', async () => {
    const rows = ['a', 'b', 'twice', 'c'].map((content) => ({
      ...{ prompt: ask(content), chosen: 'yes', rejected: 'no' },
    }));
    await expect(readPairs(...(await reading(rows, 'sigmoid')))).rejects.toThrow(
      /^doubled_bos at .*rows\.jsonl:3/,
    );
  });

  it('in an answer, after a row of two', async () => {
    const rows = [
      { prompt: ask('a'), chosen: 'yes', rejected: 'no' },
      { prompt: ask('twice'), completion: 'yes', label: true },
    ];
    await expect(readAnswers(...(await reading(rows, 'kto')))).rejects.toThrow(
      /^doubled_bos at .*rows\.jsonl:2/,
    );
  });
});

it('pairs that the cut makes alike are counted, and stay', async () => {
  const rows = ['yes', 'yet', 'n'].map((chosen) => ({
    ...{ prompt: ask('a'), chosen, rejected: 'yellow' },
  }));
  const said: string[] = [];
  const read = async (maxLength?: number) => {
    const [config, source] = await reading(rows, 'sigmoid', maxLength);
    return (await readPairs(config, source, logInto(said))).train;
  };
  const whole = await read();
  expect(said.join()).not.toContain('warning');
  const [{ chosen, rejected }] = whole as [(typeof whole)[number]];
  const shared = chosen.ids.findIndex((id, t) => id !== rejected.ids[t]);
  expect(await read(shared)).toHaveLength(3);
  expect(said.join('\n')).toMatch(/both answers of 2 of 3 pairs .*the first: .*rows\.jsonl:[12]\)/);
});
