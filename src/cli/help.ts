/** Text of a command's `--help` below its options: the config keys and examples. */
import { type ConfigSchema, type KeyDoc, keyDocs } from '../config/index.js';
import type { Command } from './command.js';

const defaultOf = ({ isRequired, default: value }: KeyDoc): string =>
  isRequired ? 'required' : `default ${typeof value === 'string' ? value : JSON.stringify(value)}`;

/** `key  (type; default)` with the doc line under it; then the same for each part of the command. */
export function keysHelp(command: Command): string {
  const parts = (command.parts ?? []).flatMap(({ name, summary, schema }) => [
    `${name}: ${summary}`,
    ...keyLines(schema),
  ]);
  const title = 'Config keys (in FILE, or as key=value or --key value):';
  return [title, ...keyLines(command.schema), ...parts].join('\n');
}

const keyLines = (schema: ConfigSchema): string[] =>
  keyDocs(schema, { intoLists: true }).map(
    (doc) => `  ${doc.key}  (${doc.type}; ${defaultOf(doc)})\n      ${doc.doc}`,
  );

export function examplesHelp(command: Command): string {
  return ['Examples:', ...command.examples.map((example) => `  ${example}`)].join('\n');
}
