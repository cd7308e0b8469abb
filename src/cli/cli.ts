/** The program: words → command → exit code. An error becomes a line on standard error. */
import { isUtf8 } from 'node:buffer';
import { existsSync, readFileSync, statSync } from 'node:fs';
import yargs from 'yargs';
import { interruption } from '../recipes/interrupt.js';
import { InputError, InputErrors, LorikeetError, messageOf } from '../util/errors.js';
import { nearest } from '../util/nearest.js';
import { ownVersion } from '../util/package-version.js';
import { type Call, splitWords } from './call.js';
import type { Command } from './command.js';
import { commands } from './commands/index.js';
import { candidates } from './complete.js';
import { examplesHelp, keysHelp } from './help.js';

/** Everything of the outside world that a call touches. */
export type Surroundings = Pick<
  Call,
  'env' | 'signal' | 'stopsInOrder' | 'out' | 'err' | 'colours'
> & {
  /** Characters of a line on the terminal. */
  readonly columns: number;
};

type ParsedFlags = Partial<Pick<Call, 'config' | 'dryRun' | 'verbose' | 'json' | 'preview'>>;

/** Help is no wider, however wide the terminal. */
const WIDEST_HELP = 100;

function buildParser(
  { columns, isHelp }: { readonly columns: number; readonly isHelp: boolean },
  handle: (command: Command, flags: ParsedFlags) => Promise<void>,
) {
  const width = Math.min(columns, WIDEST_HELP);
  const parser = yargs()
    .scriptName('lorikeet')
    .usage('lorikeet <command> [FILE] [key=value …]')
    .option('config', { type: 'string', describe: 'Config file, the same as FILE' })
    .option('dry-run', { type: 'boolean', describe: 'Print the resolved config and the plan' })
    .option('json', {
      alias: 'raw',
      type: 'boolean',
      describe: 'Print the result as one line of JSON; rows as JSONL, which they always are',
    })
    .option('preview', {
      type: 'number',
      describe: 'Show so many rows (3) as they would be trained',
    })
    .option('verbose', { type: 'boolean', describe: 'More detail; stack traces of errors' })
    .version(ownVersion())
    .help()
    .alias('help', 'h')
    .wrap(width)
    .exitProcess(false)
    .fail(false);
  for (const command of commands) {
    parser.command(
      command.name,
      command.summary,
      (builder) => {
        // yargs lays out the help of every call, shown or not.
        if (!isHelp) return builder;
        return builder
          .hide(command.hasPreview === true ? '' : 'preview')
          .usage(`lorikeet ${command.name} ${command.usage}\n\n${command.summary}`)
          .epilogue(`${keysHelp(command, width)}\n\n${examplesHelp(command, width)}`);
      },
      (flags) => handle(command, flags as ParsedFlags),
    );
  }
  return parser;
}

const HELP: readonly string[] = ['--help', '-h'];

/** Node knows paths as text: one that is none would lead elsewhere. */
function checkFolder(): void {
  const where = 'current folder';
  let path: string;
  try {
    path = process.cwd();
  } catch {
    const problem = 'it is gone: it was deleted or moved';
    throw new InputError({ where, problem, remedy: 'Go to one that is there' });
  }
  if (statSync(path, { throwIfNoEntry: false })?.ino === statSync('.').ino) return;
  const problem = `its path ${JSON.stringify(path)} is not UTF-8`;
  throw new InputError({ where, problem, remedy: 'Rename it, or go to another' });
}

/** The system has the bytes of the command line, where it is asked. */
const COMMAND_LINE = '/proc/self/cmdline';

/** @throws InputError for bytes that are not UTF-8, which Node gives as U+FFFD */
function checkText(words: readonly string[]): void {
  const word = words.find((each) => each.includes('\ufffd'));
  if (word === undefined || !existsSync(COMMAND_LINE) || isUtf8(readFileSync(COMMAND_LINE))) return;
  const problem = `${JSON.stringify(word)} is not UTF-8`;
  throw new InputError({
    where: 'command line',
    problem,
    remedy: 'Rename the file, or mend the text',
  });
}

function checkCommand(words: readonly string[]): void {
  const name = words.find((word) => !word.startsWith('-'));
  if (name === undefined) {
    if (words.some((word) => [...HELP, '--version'].includes(word))) return;
    throw new InputError({ problem: 'no command is given', remedy: 'lorikeet --help lists them' });
  }
  const names = commands.map((command) => command.name);
  if (names.includes(name)) return;
  const near = nearest(name, names);
  throw new InputError({
    problem: `unknown command ${JSON.stringify(name)}`,
    remedy: `${near === undefined ? '' : `The nearest is ${near}; `}lorikeet --help lists all`,
  });
}

/** Runs one call and returns the exit code. Never throws. */
export async function runCli(argv: readonly string[], world: Surroundings): Promise<number> {
  if (argv[0] === '--complete') {
    for (const word of candidates(argv[1] ?? '', commands)) world.out(word);
    return 0;
  }
  const { call, config: words } = splitWords(argv.length === 0 ? ['--help'] : argv);
  try {
    checkFolder();
    checkText(argv);
    checkCommand(call);
    const isHelp = call.some((word) => HELP.includes(word));
    const parser = buildParser({ columns: world.columns, isHelp }, (command, flags) =>
      command.handle({
        ...world,
        words,
        config: flags.config,
        dryRun: flags.dryRun === true,
        verbose: flags.verbose === true,
        json: flags.json === true,
        preview: flags.preview ?? null,
      }),
    );
    const text = await parse(parser, call);
    if (text !== '') world.out(text);
    return 0;
  } catch (error) {
    const { signal, err } = world;
    const isStopped = signal.aborted && error === signal.reason;
    const said = isStopped ? interruption(signal, { problem: `stopped by ${error}` }) : error;
    return reportError(said, { isVerbose: call.includes('--verbose'), err });
  }
}

/** Runs the parser; the text is what it would print (help or version). */
async function parse(
  parser: ReturnType<typeof buildParser>,
  words: readonly string[],
): Promise<string> {
  let text = '';
  await parser.parseAsync([...words], {}, (_error: unknown, _argv: unknown, output: string) => {
    text = output;
  });
  return text;
}

/** A line for each problem, the stack when asked, and the exit code that the error stands for. */
export function reportError(
  error: unknown,
  { isVerbose, err }: { readonly isVerbose: boolean; readonly err: (line: string) => void },
): number {
  const isKnown = error instanceof LorikeetError;
  const hint = isKnown ? '' : `${remedyOf(messageOf(error))}${isVerbose ? '' : SEE_STACK}`;
  for (const each of error instanceof InputErrors ? error.errors : [error]) {
    err(`error: ${messageOf(each).replace(/\s*\n\s*/g, ' ')}${hint}`);
  }
  if (isVerbose && error instanceof Error) err(stackOf(error));
  return isKnown ? error.exitCode : 1;
}

const SEE_STACK = ' (run with --verbose for the stack)';

/** What engines say whose own memory could not be had. */
const NO_MEMORY = /out of memory|bad_alloc|cannot allocate|allocation failed|ENOMEM/i;

const remedyOf = (message: string): string =>
  NO_MEMORY.test(message)
    ? '. The process may have no more memory: raise its limit (ulimit -v, that of its container), or ask for less'
    : '';

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
