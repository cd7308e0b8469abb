/** Text of a command's `--help` below its options: the config keys and examples. */
import { type ConfigSchema, type KeyDoc, keyDocs } from '../config/index.js';
import type { Command } from './command.js';

const defaultOf = ({ isRequired, default: value }: KeyDoc): string =>
  isRequired ? 'required' : `default ${typeof value === 'string' ? value : JSON.stringify(value)}`;

/** `key  (type; default)` with the doc line under it; then the same for each part of the command. */
export function keysHelp(command: Command, width: number): string {
  const parts = (command.parts ?? []).flatMap(({ name, summary, schema }) => [
    ...folded(`${name}: ${summary}`, { width, indent: '  ' }),
    ...keyLines(schema, width),
  ]);
  const title = 'Config keys (in FILE, or as key=value or --key value):';
  return [title, ...keyLines(command.schema, width), ...parts].join('\n');
}

const keyLines = (schema: ConfigSchema, width: number): string[] =>
  keyDocs(schema, { intoLists: true }).flatMap((doc) => [
    ...folded(`  ${doc.key}  (${doc.type}; ${defaultOf(doc)})`, { width, indent: '    ' }),
    ...folded(`      ${doc.doc}`, { width, indent: '      ' }),
  ]);

/** A space that is not inside single quotes. */
const BETWEEN_WORDS = / (?=(?:[^']*'[^']*')*[^']*$)/;

/** Lines that can be given to a shell as they stand. */
export function examplesHelp(command: Command, width: number): string {
  const lines = command.examples.map((example) =>
    folded(`  ${example}`, { width: width - 2, indent: '    ', between: BETWEEN_WORDS }).join(
      ' \\\n',
    ),
  );
  return ['Examples:', ...lines].join('\n');
}

interface Folding {
  readonly width: number;
  /** In front of every line but the first. */
  readonly indent: string;
  readonly between?: string | RegExp;
}

/** The text in lines of at most `width` characters, as far as its words are not longer; later lines are indented. */
function folded(text: string, { width, indent, between = ' ' }: Folding): string[] {
  const lines: string[] = [];
  let line: string | null = null;
  for (const word of text.split(between)) {
    const longer: string = line === null ? word : `${line} ${word}`;
    if (longer.length <= width || line === null || line.trim() === '') {
      line = longer;
    } else {
      lines.push(line);
      line = indent + word;
    }
  }
  return line === null ? lines : [...lines, line];
}
