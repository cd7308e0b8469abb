/**
 * One call of the program: which command, the flags that concern the call only, and the words that are
 * config (`FILE`, `key=value`, `--some-key v`).
 */

interface CallFlags {
  readonly dryRun: boolean;
  readonly verbose: boolean;
  readonly json: boolean;
  /** Rows to show in place of the run; null: it runs. */
  readonly preview: number | null;
}

export interface Call extends CallFlags {
  /** Words of the command line after the command, without the call's own flags. */
  readonly words: readonly string[];
  /** Value of `--config`. */
  readonly config: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** As of `RecipeContext`. */
  readonly stopsInOrder?: () => void;
  /** One line on standard output: data. */
  readonly out: (line: string) => void;
  /** One line on standard error: progress and logs. */
  readonly err: (line: string) => void;
  /** Standard output shows colours. */
  readonly colours: boolean;
}

interface CallFlag {
  /** The next word is its value. */
  readonly takesValue: boolean;
  /** Its value where the next word is no number. */
  readonly alone?: string;
}

/** Flags of the call. All other words belong to the config. */
export const CALL_FLAGS: Readonly<Record<string, CallFlag>> = {
  '--config': { takesValue: true },
  '--dry-run': { takesValue: false },
  '--verbose': { takesValue: false },
  '--json': { takesValue: false },
  '--raw': { takesValue: false },
  '--preview': { takesValue: true, alone: '3' },
  '--help': { takesValue: false },
  '-h': { takesValue: false },
  '--version': { takesValue: false },
};

interface SplitWords {
  /** For the argument parser: the command and the call's flags. */
  readonly call: readonly string[];
  /** For the config. */
  readonly config: readonly string[];
}

/** Separates the call's flags from the config's words; the first bare word is the command. */
export function splitWords(argv: readonly string[]): SplitWords {
  const call: string[] = [];
  const config: string[] = [];
  let hasCommand = false;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string;
    const name = word.split('=')[0] as string;
    const flag = Object.hasOwn(CALL_FLAGS, name) ? CALL_FLAGS[name] : undefined;
    if (flag !== undefined) {
      const next = argv[i + 1];
      const wantsValue = flag.takesValue && !word.includes('=');
      const isAlone = flag.alone !== undefined && !/^-?\d/.test(next ?? '');
      const value = isAlone ? flag.alone : next;
      call.push(wantsValue && value !== undefined ? `${word}=${value}` : word);
      if (wantsValue && !isAlone) i++;
    } else if (!hasCommand && !word.startsWith('-')) {
      call.push(word);
      hasCommand = true;
    } else {
      config.push(word);
    }
  }
  return { call, config };
}
