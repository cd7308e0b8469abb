/** What the documents say can be followed: links lead somewhere, and calls are accepted as they stand. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { NAMED_DATASETS } from '../../../src/data/index.js';
import * as api from '../../../src/index.js';
import { specFromConfig } from '../../../src/model/index.js';
import { call } from '../../support/call.js';

const documents = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'outputs/README.md', 'scripts/README.md'],
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

/** Lines on standard error that say how a flag of another tool is read, and which stage is not needed. */
const NO_PROBLEM = /^command line: \S+ is read as |: left out, no stage needs it$/;

const problemOf = (run: () => unknown): string => {
  try {
    return String(run());
  } catch (error) {
    return (error as Error).message;
  }
};

/** Anchor of a heading: lower case, spaces to hyphens, other signs dropped. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

const withoutCode = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, '');

const anchorsIn = (path: string): string[] =>
  [...withoutCode(readFileSync(path, 'utf8')).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    anchorOf(heading),
  );

/** Links of a document to this repository, and the file that each leads to. */
function linksIn(path: string) {
  const text = withoutCode(readFileSync(path, 'utf8'));
  return [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link = '']) => {
    const [file = '', anchor] = link.split('#');
    return { link, anchor, target: file === '' ? path : normalize(join(dirname(path), file)) };
  });
}

/** Links to this repository that lead nowhere. */
function brokenLinks(path: string): string[] {
  const broken = linksIn(path).filter(({ anchor, target }) => {
    if (!existsSync(target)) return true;
    return anchor !== undefined && !anchorsIn(target).includes(anchor);
  });
  return broken.map(({ link }) => link);
}

interface ShellCall {
  readonly env: Readonly<Record<string, string>>;
  readonly words: readonly string[];
  /** What no quotes are around. */
  readonly bare: string;
}

/** Text of a word as a shell reads it: quotes are taken off. */
const unquoted = (word: string): string => word.replace(/'([^']*)'/g, '$1');

/** Each `NAME=value … npx lorikeet …` in the shell blocks of a document. */
function callsIn(path: string): ShellCall[] {
  const blocks = readFileSync(path, 'utf8').match(/^```sh\n[\s\S]*?^```/gm) ?? [];
  return blocks
    .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
    .flatMap((line) => {
      const [, before, after] = /^((?:[A-Z_]+=\S+ +)*)npx lorikeet +(.*)$/.exec(line) ?? [];
      if (before === undefined || after === undefined) return [];
      const pairs = before
        .trim()
        .split(/ +/)
        .filter((pair) => pair !== '')
        .map((pair) => pair.split('=') as [string, string]);
      const words = after.match(/(?:[^\s']+|'[^']*')+/g) ?? [];
      const bare = after.replace(/'[^']*'/g, '');
      return [{ env: Object.fromEntries(pairs), words: words.map(unquoted), bare }];
    });
}

describe.each(documents)('%s', (path) => {
  it('has no link that leads nowhere', () => {
    expect(brokenLinks(path)).toEqual([]);
  });

  it('shows calls that are accepted', async () => {
    for (const { env, words, bare } of callsIn(path)) {
      expect(bare, 'what shells read as a pattern is quoted').not.toMatch(/[[\]{}*?]/);
      const { code, err } = await call([...words, '--dry-run'], { ...env });
      const problems = err.split('\n').filter((line) => line !== '' && !NO_PROBLEM.test(line));
      expect({ words, code, problems }).toEqual({ words, code: 0, problems: [] });
    }
  });
});

describe('the package', () => {
  const { files } = JSON.parse(readFileSync('package.json', 'utf8')) as { files: string[] };
  const isPacked = (path: string) =>
    files.some((name) => path === name || path.startsWith(`${name}/`));

  it('has the pages that its pages lead to, but for the one on work in the clone', () => {
    const pages = documents.filter(isPacked).flatMap(linksIn);
    const missing = pages.filter(({ target }) => target.endsWith('.md') && !isPacked(target));
    expect(new Set(missing.map(({ target }) => target))).toEqual(new Set(['CONTRIBUTING.md']));
  });
});

describe('the page of data', () => {
  it('has every named set with its splits', () => {
    const rows = readFileSync('docs/commands/data.md', 'utf8').match(/^\| `.*/gm) ?? [];
    for (const [name, { splits }] of Object.entries(NAMED_DATASETS)) {
      const row = rows.find((line) => line.split('|')[1]?.includes(`\`${name}\``));
      expect(row?.split('|')[3]?.trim(), name).toBe(splits.join(', '));
    }
  });
});

describe('the table of layers', () => {
  interface Rule {
    readonly name: string;
    readonly from: { readonly pathNot?: string };
    readonly to: { readonly pathNot?: string };
  }
  const foldersOf = (pattern = ''): string[] => /\((.*)\)/.exec(pattern)![1]!.split('|');

  it('has the imports that dependency-cruiser lets pass', async () => {
    const config = await import(pathToFileURL('.dependency-cruiser.mjs').href);
    const { forbidden } = config.default as { readonly forbidden: readonly Rule[] };
    const page = readFileSync('docs/architecture.md', 'utf8');
    const above: string[] = [];
    for (const line of page.match(/^\| \d \|.*/gm) ?? []) {
      const cells = line.split('|').map((cell) => cell.trim());
      const folder = cells[2]!.slice(1, -2);
      const [imports, doors] = [cells[4]!.replace(/ \(.*?\)/g, ''), cells[5]!];
      const listed = imports === 'all above' ? above : imports.split(', ').filter(Boolean);
      const layer = forbidden.find(({ name }) => name === `layer-${folder}`);
      const allowed = foldersOf(layer?.to.pathNot).filter(
        (name) => !['util', folder].includes(name),
      );
      const others = listed.filter((name) => name !== 'util');
      expect(others.toSorted(), folder).toEqual(allowed.toSorted());
      const vendors = forbidden.filter(
        ({ name, from }) => name.startsWith('door-') && foldersOf(from.pathNot).includes(folder),
      );
      for (const { name } of vendors) expect(doors, folder).toContain(name.slice('door-'.length));
      above.push(folder);
    }
    expect(above).toHaveLength(forbidden.filter(({ name }) => name.startsWith('layer-')).length);
  });
});

describe('the reading of documents', () => {
  it('finds the calls that there are', () => {
    const calls = callsIn('README.md').map(({ words }) => words[0]);
    expect(calls).toEqual(
      expect.arrayContaining(['setup', 'doctor', 'data', 'init-model', 'sft', 'run']),
    );
    const small = callsIn('README.md').find(({ env }) => env.TRAIN_SAMPLES !== undefined);
    expect(small?.env).toMatchObject({ TRAIN_SAMPLES: '1024', OUTPUT_DIR: 'outputs/qwen' });
  });

  it('makes anchors as they are linked to', () => {
    expect(anchorOf('Exit codes')).toBe('exit-codes');
    expect(anchorsIn('README.md')).toContain('configs');
    expect(brokenLinks('README.md')).toEqual([]);
  });

  it('covers a page for each command', () => {
    expect(documents.filter((path) => path.startsWith('docs/commands/')).length).toBeGreaterThan(
      15,
    );
  });
});

it('docs/models.md names every model_type', () => {
  const unknown = () => specFromConfig('config.json', { model_type: 'none' });
  const [, supported = ''] = /Supported: (.*)$/.exec(problemOf(unknown)) ?? [];
  const table = readFileSync('docs/models.md', 'utf8').match(/^\| `.*$/gm) ?? [];
  const named = table.flatMap((row) => row.split('|')[1]!.match(/\w+/g) ?? []);
  expect(named.sort()).toEqual(supported.split(', ').sort());
});

it('docs/api.md shows the programs of scripts/examples as they are', () => {
  const page = readFileSync('docs/api.md', 'utf8');
  const shown = [...page.matchAll(/<!-- example: (\S+) -->\n```ts\n([\s\S]*?)^```/gm)];
  expect(shown.map(([, path]) => basename(path!)).sort()).toEqual(
    readdirSync('scripts/examples').sort(),
  );
  for (const [, path, text] of shown) expect(text).toBe(readFileSync(path!, 'utf8'));
});

it('docs/api.md names exports alone', () => {
  const page = withoutCode(readFileSync('docs/api.md', 'utf8'));
  const names = [...page.matchAll(/`([a-z]\w*[A-Z]\w*)`/g)].map(([, name]) => name!);
  expect(names.length).toBeGreaterThan(30);
  expect(names.filter((name) => !Object.hasOwn(api, name))).toEqual([]);
});
