/** Text of a command's `--help` below its options: the config keys and examples. */
import { type KeyDoc, keyDocs } from '../config/index.js';
import type { Command } from './command.js';

const defaultOf = ({ isRequired, default: value }: KeyDoc): string =>
  isRequired ? 'required' : `default ${typeof value === 'string' ? value : JSON.stringify(value)}`;

/** `key  (type; default)` with the doc line under it. */
export function keysHelp(command: Command): string {
  const lines = keyDocs(command.schema, { intoLists: true }).map(
    (doc) => `  ${doc.key}  (${doc.type}; ${defaultOf(doc)})\n      ${doc.doc}`,
  );
  return ['Config keys (in FILE, or as key=value or --key value):', ...lines].join('\n');
}

export function examplesHelp(command: Command): string {
  return ['Examples:', ...command.examples.map((example) => `  ${example}`)].join('\n');
}
