/** A call of the program in this process, with what it printed. */
import { runCli } from '../../src/cli/cli.js';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function call(
  argv: readonly string[],
  env: Record<string, string> = {},
  {
    signal = new AbortController().signal,
    columns = 120,
  }: { readonly signal?: AbortSignal | undefined; readonly columns?: number } = {},
): Promise<Outcome> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(argv, {
    env,
    signal,
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    colours: false,
    columns,
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}
