/** The generated parts of the documentation are those of the program, and the script renews them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  commandPage,
  type Documented,
  problems,
  writePages,
} from '../../../scripts/command-pages.js';
import { commands } from '../../../src/cli/commands/index.js';
import { temporaryFolder } from '../../support/temporary.js';

const brew: Documented = {
  name: 'brew',
  usage: '[FILE] [key=value …]',
  summary: 'Make tea',
  examples: ['lorikeet brew minutes=4'],
  schema: z.strictObject({
    leaf: z.string().min(1).describe('Which | tea'),
    minutes: z.int().min(1).default(3).describe('How long'),
  }),
};

const README = [
  'Intro',
  '<!-- commands: made by scripts/command-pages.ts, do not edit -->',
  'old',
  '<!-- /commands -->',
  'End',
].join('\n');

describe('the pages of this repository', () => {
  it('are up to date and complete (else: npx tsx scripts/command-pages.ts)', () => {
    expect(problems('.', commands)).toEqual([]);
  });
});

describe('a page', () => {
  it('of a new command is made from the command alone', () => {
    const page = commandPage(brew, null);
    expect(page).toContain('# `lorikeet brew`\n');
    expect(page).toContain('Make tea.\n\n```text\nlorikeet brew [FILE] [key=value …]\n```');
    expect(page).toContain('```sh\nnpx lorikeet brew minutes=4\n```');
    expect(page).toContain('| `leaf` | text | **required** | Which \\| tea |');
    expect(page).toContain('| `minutes` | whole number >= 1 | `3` | How long |');
  });

  it('keeps what is written by hand and renews its keys', () => {
    const written = commandPage(brew, null).replace('## Examples', 'By hand.\n\n## Examples');
    const schema = z.strictObject({ cups: z.int().default(2).describe('How many') });
    const renewed = commandPage({ ...brew, schema }, written);
    expect(renewed).toContain('By hand.\n\n## Examples');
    expect(renewed).toContain('| `cups` | whole number | `2` | How many |');
    expect(renewed).not.toContain('minutes` |');
    expect(commandPage(brew, renewed)).toBe(written);
  });
});

describe('the script', () => {
  let root: string;

  beforeEach(() => {
    root = temporaryFolder();
    writeFileSync(join(root, 'README.md'), README);
  });

  const pagePath = () => join(root, 'docs/commands/brew.md');

  it('writes the page and the list, and then has nothing to write', () => {
    const written = writePages(root, [brew]);
    expect(written).toEqual(['docs/commands/brew.md', 'README.md']);
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    expect(readme).toContain('| [`brew`](docs/commands/brew.md) | Make tea |');
    expect(readme).not.toContain('old');
    expect(writePages(root, [brew])).toEqual([]);
  });

  it('names a page that is missing, out of date, incomplete, or of no command', () => {
    const missing = problems(root, [brew]);
    expect(missing).toContain('docs/commands/brew.md is missing');
    expect(missing).toContain('README.md is out of date');
    writePages(root, [brew]);
    expect(problems(root, [brew])).toEqual([
      'docs/commands/brew.md has no section Reads, Writes, Prints',
    ]);
    const text = readFileSync(pagePath(), 'utf8');
    const sections = '\n## Reads\n\na\n\n## Writes\n\nb\n\n## Prints\n\nc\n\n## Keys\n';
    const complete = text.replace('\n## Keys\n', sections);
    writeFileSync(pagePath(), complete);
    expect(problems(root, [brew])).toEqual([]);
    writeFileSync(pagePath(), complete.replace('| `3` |', '| `5` |'));
    expect(problems(root, [brew])).toEqual(['docs/commands/brew.md is out of date']);
    writeFileSync(pagePath(), complete);
    mkdirSync(join(root, 'docs/commands'), { recursive: true });
    writeFileSync(join(root, 'docs/commands/stew.md'), '');
    expect(problems(root, [brew])).toEqual(['docs/commands/stew.md is the page of no command']);
  });
});
