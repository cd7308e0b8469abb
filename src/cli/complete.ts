/**
 * What Tab offers for a command line that is being typed: commands, flags, keys, the words that a key takes, config
 * files, and files of rows beside names of data sets. The shell offers files of its own where nothing stands here.
 * It loads no recipe.
 */
import { type Dirent, readdirSync } from 'node:fs';
import { choicesOf, declaredOf, keysOf, ownPath, pipelineKeys, schemaAt } from '../config/index.js';
import { CALL_FLAGS } from './call.js';
import { type Command, YAML_FILE } from './command.js';

/** A word up to the next space outside of quotes; the last may be open. */
const SHELL_WORD = /(?:[^\s\\'"]|\\.|'[^']*'?|"(?:[^"\\]|\\.)*"?)+/g;

interface Typed {
  /** Words in front of the one that is being typed. */
  readonly before: readonly string[];
  /** As far as it stands, maybe empty. */
  readonly current: string;
}

/** @param line The command line up to the cursor, from the program's name or what starts it (`npx`) on. */
export function candidates(line: string, commands: readonly Command[]): string[] {
  const { before, current } = typedIn(line);
  const [name, ...words] = before;
  if (name === undefined) {
    const names = commands.map((command) => command.name);
    return beginningWith(current, current.startsWith('-') ? Object.keys(CALL_FLAGS) : names);
  }
  const command = commands.find((each) => each.name === name);
  return command === undefined ? [] : ofCommand(command, { before: words, current });
}

function typedIn(line: string): Typed {
  const words: string[] = [];
  let end = 0;
  for (const { 0: word, index } of line.matchAll(SHELL_WORD)) {
    words.push(word);
    end = index + word.length;
  }
  const current = end === line.length ? words.pop() : '';
  const program = words.findIndex((word) => /(^|\/)lorikeet$/.test(word));
  return { before: words.slice(Math.max(program, 0) + 1), current: current ?? '' };
}

const beginningWith = (start: string, words: readonly string[]): string[] =>
  words.filter((word) => word.startsWith(start));

function ofCommand(command: Command, { before, current }: Typed): string[] {
  const first = before.find((word) => !word.startsWith('-'));
  const part = command.parts?.find(({ name }) => name === first);
  const schema = command.isPipeline ? ofFile(command.schema, before) : (part ?? command).schema;
  const split = current.indexOf('=');
  if (split >= 0) {
    return beginningWith(current.slice(split + 1), valuesOf(schema, current.slice(0, split)));
  }
  const last = before.at(-1) ?? '';
  if (/^--[^=]+$/.test(last) && takesNextWord(schema, last)) {
    return beginningWith(current, valuesOf(schema, last));
  }
  if (first === undefined && command.parts !== undefined) {
    const names = command.parts.map(({ name }) => name);
    return beginningWith(current, names);
  }
  const given = new Set(before.map((word) => word.replace(/=.*$/s, '=')));
  const keys = keysBelow(schema, current).filter((key) => !given.has(key));
  if (current.startsWith('-')) {
    const flags = Object.keys(CALL_FLAGS);
    const own = flags.filter((flag) => flag !== '--preview' || command.hasPreview === true);
    return beginningWith(current, [...own, ...keys]);
  }
  const words = first === undefined ? (command.firstWords ?? []) : [];
  return beginningWith(current, [...words, ...keys, ...filesHere(YAML_FILE)]);
}

/** The keys by the names in the pipeline's file, where one stands on the line and can be read. */
function ofFile(schema: Command['schema'], before: readonly string[]): Command['schema'] {
  const file = before.find((word) => YAML_FILE.test(word) && !word.includes('='));
  try {
    return file === undefined ? schema : pipelineKeys(schema, file.replace(/\\(.)/g, '$1'));
  } catch {
    return schema;
  }
}

/** `--some-key` and `some_key` are one. */
const keyPath = (word: string): string[] =>
  (word.startsWith('--') ? word.slice(2).replaceAll('-', '_') : word).split('.');

function fieldOf(schema: Command['schema'], word: string) {
  const [head = '', ...below] = keyPath(word);
  const own = ownPath(schema, head);
  return own === undefined ? undefined : schemaAt(schema, [...own, ...below]);
}

function valuesOf(schema: Command['schema'], word: string): string[] {
  const field = fieldOf(schema, word);
  if (field === undefined) return [];
  const { files } = declaredOf(field);
  return files === undefined ? choicesOf(field) : [...choicesOf(field), ...filesHere(files)];
}

function takesNextWord(schema: Command['schema'], flag: string): boolean {
  if (Object.hasOwn(CALL_FLAGS, flag)) return CALL_FLAGS[flag]?.takesValue === true;
  const field = fieldOf(schema, flag);
  return field !== undefined && choicesOf(field)[0] !== 'true';
}

/** The keys of the level that is being typed, in the way it is typed: `lora.r=`, `--lora.r=`. */
function keysBelow(schema: Command['schema'], current: string): string[] {
  const isFlag = current.startsWith('--');
  const level = current.slice(0, current.lastIndexOf('.') + 1);
  const path = level === '' ? [] : keyPath(level.slice(0, -1));
  const mapping = schemaAt(schema, path);
  const keys = mapping === undefined ? [] : keysOf(mapping);
  if (!isFlag) return keys.map((key) => level + key);
  const start = level === '' ? '--' : level;
  return keys.map((key) => start + key.replaceAll('_', '-'));
}

/** Folders of the current folder and its files of such names, as a shell wants them written. */
function filesHere(names: RegExp): string[] {
  return entriesHere()
    .filter((entry) => !entry.name.startsWith('.'))
    .flatMap((entry) => {
      const name = entry.name.replace(/[^\w./=+,@%-]/gu, '\\$&');
      if (entry.isDirectory()) return [`${name}/`];
      return names.test(entry.name) ? [name] : [];
    });
}

/** Tab offers no files where the folder is gone or cannot be read. */
function entriesHere(): Dirent[] {
  try {
    return readdirSync('.', { withFileTypes: true });
  } catch {
    return [];
  }
}
