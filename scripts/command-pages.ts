/**
 * The generated parts of the documentation: in `docs/commands/<name>.md` the usage and the key table of a
 * command, the alarms of a trainer, in `README.md` the list of commands. They stand between markers and are made from the command
 * objects and their schemas; all other text is written by hand. A command without a page gets one.
 *
 *   npx tsx scripts/command-pages.ts            writes
 *   npx tsx scripts/command-pages.ts --check    names what is out of date, exit code 1 if anything is
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from '../src/cli/command.js';
import { commands } from '../src/cli/commands/index.js';
import { type ConfigSchema, type KeyDoc, keyDocs } from '../src/config/index.js';
import { ALARMS, HEALTHY_RANGES, type TrainerName } from '../src/train/alarms.js';
import { markedPart, replacePart } from './marked-parts.js';

/** What a page or the list needs of a command. */
export type Documented = Pick<
  Command,
  'name' | 'usage' | 'summary' | 'examples' | 'schema' | 'parts'
>;

const SCRIPT = 'scripts/command-pages.ts';
const PAGES = 'docs/commands';
const HEADINGS = ['Reads', 'Writes', 'Prints', 'Exit codes', 'Examples', 'Keys'] as const;

const renewed = (text: string, part: string, content: string): string =>
  replacePart(text, markedPart(SCRIPT, part, content));

const shellBlock = (lines: readonly string[]): string => ['```sh', ...lines, '```'].join('\n');

function usagePart({ name, usage, summary }: Documented): string {
  return `${summary}.\n\n\`\`\`text\nlorikeet ${name} ${usage}\n\`\`\``;
}

/** A table cell: one line, bars escaped, and nothing that would be read as HTML. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

function defaultCell({ isRequired, default: value }: KeyDoc): string {
  if (isRequired) return '**required**';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function keysPart({ schema, parts = [] }: Documented): string {
  const more = parts.map(
    (part) => `### \`${part.name}\`\n\n${part.summary}.\n\n${keyTable(part.schema)}`,
  );
  return [keyTable(schema), ...more].join('\n\n');
}

function keyTable(schema: ConfigSchema): string {
  const rows = keyDocs(schema, { intoLists: true }).map(
    (doc) => `| \`${doc.key}\` | ${cell(doc.type)} | ${defaultCell(doc)} | ${cell(doc.doc)} |`,
  );
  return ['| key | takes | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** Name, metric, bound and advice of each alarm that a trainer has. */
function alarmTable(trainer: TrainerName): string {
  const ranges = HEALTHY_RANGES[trainer];
  const rows = Object.entries(ALARMS).flatMap(([name, { metric, side, advice }]) => {
    const bound = ranges[metric]?.[side === 'low' ? 0 : 1] ?? null;
    const healthy = `${side === 'low' ? 'at least' : 'at most'} ${bound}`;
    return bound === null ? [] : [`| \`${name}\` | \`${metric}\` ${healthy} | ${cell(advice)} |`];
  });
  return ['| alarm | healthy | what to do |', '| --- | --- | --- |', ...rows].join('\n');
}

/** A first page, complete as far as the command object tells. */
function newPage(command: Documented): string {
  const exitCodes =
    '0 done, 1 the run failed or a guard stopped it, 2 bad input or missing set-up; see\n' +
    '[exit codes](../../README.md#exit-codes).';
  const calls = command.examples.map((example) => `npx ${example}`);
  return [
    `# \`lorikeet ${command.name}\``,
    markedPart(SCRIPT, 'usage', ''),
    `## Exit codes\n\n${exitCodes}`,
    `## Examples\n\n${shellBlock(calls)}`,
    `## Keys\n\n${markedPart(SCRIPT, 'keys', '')}\n`,
  ].join('\n\n');
}

/** The page of a command: `current` with its generated parts renewed, or a first page. */
export function commandPage(command: Documented, current: string | null): string {
  const page = renewed(current ?? newPage(command), 'usage', usagePart(command));
  const whole = renewed(page, 'keys', keysPart(command));
  if (!Object.hasOwn(HEALTHY_RANGES, command.name)) return whole;
  return renewed(whole, 'alarms', alarmTable(command.name as TrainerName));
}

/** The list of commands, a row each. */
export function commandList(list: readonly Documented[]): string {
  const rows = list.map(
    ({ name, summary }) => `| [\`${name}\`](${PAGES}/${name}.md) | ${summary} |`,
  );
  return ['| command | does |', '| --- | --- |', ...rows].join('\n');
}

/** What every file should hold, by path below `root`. */
export function expectedFiles(root: string, list: readonly Documented[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const command of list) {
    const name = `${PAGES}/${command.name}.md`;
    const path = join(root, name);
    const current = existsSync(path) ? readFileSync(path, 'utf8') : null;
    files.set(name, commandPage(command, current));
  }
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  files.set('README.md', renewed(readme, 'commands', commandList(list)));
  return files;
}

/** What is wrong, a line each: files out of date, pages of no command, pages without a section. */
export function problems(root: string, list: readonly Documented[]): string[] {
  const found: string[] = [];
  for (const [name, text] of expectedFiles(root, list)) {
    const path = join(root, name);
    const current = existsSync(path) ? readFileSync(path, 'utf8') : null;
    if (current !== text) found.push(`${name} is ${current === null ? 'missing' : 'out of date'}`);
    if (!name.startsWith(PAGES)) continue;
    const lacking = HEADINGS.filter((heading) => !text.includes(`\n## ${heading}\n`));
    if (lacking.length > 0) found.push(`${name} has no section ${lacking.join(', ')}`);
  }
  const known = new Set(list.map(({ name }) => `${name}.md`));
  const pages = existsSync(join(root, PAGES)) ? readdirSync(join(root, PAGES)) : [];
  for (const page of pages.filter((file) => !known.has(file))) {
    found.push(`${PAGES}/${page} is the page of no command`);
  }
  return found;
}

/** Writes what differs and returns those paths. */
export function writePages(root: string, list: readonly Documented[]): string[] {
  const written: string[] = [];
  for (const [name, text] of expectedFiles(root, list)) {
    const path = join(root, name);
    if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    written.push(name);
  }
  return written;
}

function main(): void {
  const root = fileURLToPath(new URL('..', import.meta.url));
  if (!process.argv.includes('--check')) {
    for (const name of writePages(root, commands)) console.log(`wrote ${name}`);
  }
  const wrong = problems(root, commands);
  for (const line of wrong) console.error(line);
  if (wrong.length > 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
