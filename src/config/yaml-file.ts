/** A YAML file with the line of each key, so that errors can name `file:line`. */
import { existsSync, statSync } from 'node:fs';
import {
  type Document,
  type ErrorCode,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLParseError,
  type YAMLWarning,
} from 'yaml';
import { bundledConfig } from '../util/bundled-config.js';
import { InputError, messageOf } from '../util/errors.js';
import { isObject } from '../util/json-object.js';
import { readText } from '../util/utf8.js';

export interface YamlFile {
  readonly path: string;
  /** Plain mapping; an empty file is an empty mapping. */
  readonly value: Readonly<Record<string, unknown>>;
  /** `file:line` of the key at a path, or of its nearest parent. */
  readonly where: (path: readonly string[]) => string;
}

function collectLines(
  node: unknown,
  path: readonly string[],
  note: (path: readonly string[], offset: number) => void,
): void {
  if (isMap(node)) {
    for (const pair of node.items) {
      const key = pair.key as Node & { value?: unknown };
      const below = [...path, String(key.value)];
      note(below, key.range?.[0] ?? 0);
      collectLines(pair.value, below, note);
    }
  } else if (isSeq(node)) {
    for (const [index, item] of node.items.entries()) {
      const below = [...path, String(index)];
      note(below, (item as Node).range?.[0] ?? 0);
      collectLines(item, below, note);
    }
  }
}

/** A word that may be a key whose value was forgotten. */
const KEY = /^(?!.*\.ya?ml$)[A-Za-z_]\w*(\.\w+)*$/;

/** Where a config is that pages name as in a clone. */
function hintForConfig(path: string): string {
  const [, name] = /^(?:\.\/)?configs\/(.*)/.exec(path) ?? [];
  if (name === undefined || !existsSync(bundledConfig(name))) return '';
  return `, or take ${bundledConfig(name)}, which comes with Lorikeet`;
}

/** What else a word that names no file may be meant as. */
function hintFor(word: string): string {
  if (KEY.test(word)) return `, or write ${word}=VALUE if this is a key`;
  if (/\.ya?ml$/i.test(word)) return hintForConfig(word);
  if (word.startsWith('-')) return ', or write --KEY VALUE if this is a key';
  if (word.includes('=')) return ', or write KEY=VALUE with a key such as lora.r';
  return ', or write KEY=VALUE if this is the value of a key';
}

function readYaml(path: string): string {
  if (!existsSync(path)) {
    throw new InputError({
      where: path,
      problem: 'no such config file',
      remedy: `Check the path${hintFor(path)}`,
    });
  }
  if (statSync(path).isDirectory()) {
    throw new InputError({ where: path, problem: 'is a folder, expected a YAML file' });
  }
  return readText(path);
}

const REMEDIES: Partial<Record<ErrorCode, string>> = {
  TAB_AS_INDENT: 'Use spaces',
  MULTILINE_IMPLICIT_KEY: 'Write a space behind the colon of each key, as in key: value',
  BLOCK_AS_IMPLICIT_KEY:
    'Begin keys of one level in one column, and put quotes around a text with a colon',
  BAD_INDENT: 'Close what { or [ opens, and indent what stands below a key',
  TAG_RESOLVE_FAILED: 'Take the tag away, or put quotes around a text that begins with !',
};

function notYaml(
  { code, message, pos }: YAMLParseError | YAMLWarning,
  where: string,
  text: string,
): InputError {
  if (code === 'DUPLICATE_KEY') {
    const [key = ''] = /^[^:\n]*/.exec(text.slice(pos[0])) ?? [];
    return new InputError({
      where,
      problem: `not valid YAML: ${key.trim()} is there already`,
      remedy: 'Keep one of them',
    });
  }
  if (code === 'MULTIPLE_DOCS') {
    const problem = 'not valid YAML: a second document begins';
    return new InputError({ where, problem, remedy: 'A config is one; take the --- away' });
  }
  const { [code]: remedy } = REMEDIES;
  return new InputError({
    where,
    problem: `not valid YAML: ${message}`,
    ...(remedy && { remedy }),
  });
}

/**
 * @throws InputError naming the line of an alias without an anchor before it, of one that stands in what it is
 *   for, and of a merge of no mapping
 */
function checkAliases(document: Document, lineAt: (offset: number) => string): void {
  visit(document, {
    Alias(_key, alias, above) {
      const source = alias.resolve(document);
      if (source !== undefined && !above.includes(source)) return;
      const where = lineAt(alias.range?.[0] ?? 0);
      if (source !== undefined) {
        const problem = `*${alias.source} refers to the value that it stands in`;
        throw new InputError({ where, problem, remedy: 'Write the value out' });
      }
      const problem = `*${alias.source} is an alias of YAML, and no &${alias.source} comes before it`;
      throw new InputError({
        where,
        problem,
        remedy: 'Put quotes around a text that begins with *',
      });
    },
    Pair(_key, { key, value }) {
      // The parser's own sign of a merge: a key << in quotes is a text.
      if (!isScalar(key) || typeof key.value !== 'symbol') return;
      const resolved = (node: unknown) => (isAlias(node) ? node.resolve(document) : node);
      const merged = resolved(value);
      const sources = isSeq(merged) ? merged.items.map(resolved) : [merged];
      // Undefined: an alias without its anchor, which is visited next.
      const other = sources.find((source) => source !== undefined && !isMap(source));
      if (other === undefined) return;
      throw new InputError({
        where: lineAt(key.range?.[0] ?? 0),
        problem: `<< takes the keys of a mapping, or of a list of mappings, not of ${String(other)}`,
        remedy: 'Give *NAME, where &NAME stands before a mapping',
      });
    },
  });
}

/** @throws InputError naming the line of the first alias where aliases of aliases would make a value of no bounds */
function plainValue(document: Document, lineAt: (offset: number) => string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    let first = 0;
    visit(document, {
      Alias(_key, { range }) {
        first = range?.[0] ?? 0;
        return visit.BREAK;
      },
    });
    throw new InputError({
      where: lineAt(first),
      problem: `from here on aliases of YAML (*NAME) stand for too many values (${messageOf(error)})`,
      remedy: 'Write the values out',
    });
  }
}

/** @throws InputError with `file:line` when the file is missing, no YAML, or no mapping. */
export function readYamlFile(path: string): YamlFile {
  const lines = new LineCounter();
  const text = readYaml(path);
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
    logLevel: 'error',
  });
  const lineAt = (offset: number) => `${path}:${lines.linePos(offset).line}`;
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) throw notYaml(error, lineAt(error.pos[0]), text);
  checkAliases(document, lineAt);
  const value = plainValue(document, lineAt) ?? {};
  if (!isObject(value)) {
    throw new InputError({ where: path, problem: 'expected a mapping of keys at the top level' });
  }
  const offsets = new Map<string, number>();
  collectLines(document.contents, [], (at, offset) => offsets.set(at.join('\0'), offset));
  const where = (at: readonly string[]): string => {
    for (let length = at.length; length > 0; length--) {
      const offset = offsets.get(at.slice(0, length).join('\0'));
      if (offset !== undefined) return lineAt(offset);
    }
    return path;
  };
  return { path, value, where };
}
