/** A command as data, and the way every command goes: words → config → recipe → output. */
import type { z } from 'zod';
import {
  type ConfigSchema,
  choicesOf,
  loadConfig,
  resolvedYaml,
  schemaAt,
  splitArguments,
} from '../config/index.js';
import type { RecipeContext } from '../recipes/context.js';
import type { Preview, PreviewRequest } from '../recipes/training/preview.js';
import { InputError } from '../util/errors.js';
import type { Call } from './call.js';

export interface Command {
  readonly name: string;
  /** What the usage line shows after the name. */
  readonly usage: string;
  readonly summary: string;
  readonly examples: readonly string[];
  /** Keys listed by `--help`. */
  readonly schema: ConfigSchema;
  /** What it does with further keys after a first word, as `bench rollout`. */
  readonly parts?: readonly Command[];
  /** What a first word without a key may be, where that can be listed. */
  readonly firstWords?: readonly string[];
  /** Its file names stages, whose keys can be given. */
  readonly isPipeline?: boolean;
  /** It takes `--preview`. */
  readonly hasPreview?: boolean;
  readonly handle: (call: Call) => Promise<void>;
}

/** Key that takes the words beside FILE: one (`data NAME`) or a list (`compare A B`). */
interface Positional {
  readonly key: string;
  readonly isList: boolean;
}

export interface CommandSpec<S extends ConfigSchema, R> {
  readonly name: string;
  readonly summary: string;
  readonly examples: readonly string[];
  readonly schema: S;
  readonly positional?: Positional;
  /** What the run would do, for `--dry-run`. */
  readonly plan: (config: z.output<S>) => readonly string[] | Promise<readonly string[]>;
  readonly run: (config: z.output<S>, context: RecipeContext) => Promise<R>;
  /** The data of the run, for `--preview`; without it the command has no preview. */
  readonly preview?: (config: z.output<S>, request: PreviewRequest) => Promise<Preview>;
  /** The result for people; without it the result is one line of JSON. Null prints nothing. */
  readonly print?: (result: R, config: z.output<S>) => string | null | Promise<string>;
  /** Throws when the result, once printed, means failure. */
  readonly verify?: (result: R) => void;
}

export const YAML_FILE = /\.ya?ml$/i;

interface Input {
  readonly file: string | undefined;
  readonly overrides: readonly string[];
}

/** The config file and the overrides among the words of a call. */
export function readInput(call: Call, schema: ConfigSchema, positional?: Positional): Input {
  if (call.config === '') {
    throw new InputError({ where: 'command line', problem: '--config has no value' });
  }
  const { positionals, overrides } = splitArguments(schema, call.words);
  const isConfig = (word: string) => positional === undefined || YAML_FILE.test(word);
  const files = [
    ...(call.config === undefined ? [] : [call.config]),
    ...positionals.filter(isConfig),
    ...overrides.filter((word) => word.startsWith('config=')).map((word) => word.slice(7)),
  ];
  if (files.length > 1) {
    throw new InputError({
      where: 'command line',
      problem: `more than one config file: ${files.join(', ')}`,
      remedy: 'Give one, and change keys by key=value',
    });
  }
  const names = positionals.filter((word) => !isConfig(word));
  return {
    file: files[0],
    overrides: [
      ...overrides.filter((word) => !word.startsWith('config=')),
      ...(positional === undefined ? [] : namedOverride(names, positional)),
    ],
  };
}

function namedOverride(names: readonly string[], { key, isList }: Positional): string[] {
  if (names.length === 0) return [];
  if (isList) return [`${key}=${JSON.stringify(names)}`];
  if (names.length === 1) return [`${key}=${names[0]}`];
  throw new InputError({
    where: 'command line',
    problem: `expected one ${key}, found ${names.join(', ')}`,
    remedy: 'Put words that belong together into quotes, and write other keys as key=value',
  });
}

export function recipeContext({ signal, stopsInOrder, err, out, verbose }: Call): RecipeContext {
  return { signal, log: err, print: out, verbose, ...(stopsInOrder && { stopsInOrder }) };
}

/** The dry run's output: the resolved config as YAML with the plan as comments, or one JSON line. */
export function printDryRun(call: Call, config: unknown, plan: readonly string[]): void {
  if (call.json) {
    call.out(JSON.stringify({ config, plan }));
    return;
  }
  call.out(resolvedYaml(config).trimEnd());
  for (const line of plan) call.out(`# ${line}`);
}

async function printPreview<S extends ConfigSchema, R>(
  call: Call,
  { name, preview, plan }: CommandSpec<S, R>,
  config: z.output<S>,
): Promise<void> {
  const { preview: count, json, colours, out } = call;
  if (preview === undefined || count === null || !Number.isInteger(count) || count < 1) {
    throw new InputError({
      where: '--preview',
      problem: preview === undefined ? `${name} has no preview` : `${count} is no number of rows`,
      remedy: 'Give e.g. --preview 3 to sft, dpo or grpo; --dry-run shows the plan of any command',
    });
  }
  const shown = await preview(config, { count, context: recipeContext(call) });
  if (json) {
    out(JSON.stringify({ ...shown, plan: await plan(config) }));
    return;
  }
  const { previewPage } = await import('../recipes/training/preview.js');
  out(previewPage(shown, colours));
  for (const line of await plan(config)) out(line);
}

/** A command whose config is the keys of one schema. */
export function defineCommand<S extends ConfigSchema, R>(spec: CommandSpec<S, R>): Command {
  const { name, summary, examples, schema, positional } = spec;
  const words =
    positional === undefined
      ? '[FILE]'
      : positional.isList
        ? 'A B … [FILE]'
        : `${positional.key.toUpperCase()} [FILE]`;
  const handle = async (call: Call): Promise<void> => {
    const { file, overrides } = readInput(call, schema, positional);
    const config = loadConfig(schema, {
      ...(file === undefined ? {} : { file }),
      overrides,
      env: call.env,
      note: call.err,
    });
    if (call.dryRun) {
      printDryRun(call, config, await spec.plan(config));
      return;
    }
    if (call.preview !== null) {
      await printPreview(call, spec, config);
      return;
    }
    const result = await spec.run(config, recipeContext(call));
    const shown =
      call.json || spec.print === undefined ? toLine(result) : await spec.print(result, config);
    if (shown !== null) call.out(shown);
    spec.verify?.(result);
  };
  const first = positional && schemaAt(schema, [positional.key]);
  return {
    name,
    usage: `${words} [key=value …]`,
    summary,
    examples,
    schema,
    firstWords: first === undefined ? [] : choicesOf(first),
    hasPreview: spec.preview !== undefined,
    handle,
  };
}

/** Nothing for a result whose rows are on standard output already. */
const toLine = (result: unknown): string | null => (result == null ? null : JSON.stringify(result));
