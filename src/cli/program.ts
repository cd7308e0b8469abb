/** The `lorikeet` program as a process: signals, streams, exit code. */
import { RunError } from '../util/errors.js';
import { reportError, runCli } from './cli.js';
import { end } from './end.js';
import { readEnvFile } from './env-file.js';
import { catchSignals } from './signals.js';

const out = (line: string): void => void process.stdout.write(`${line}\n`);
/** On a terminal a progress bar may stand in the row that the line takes. */
const clearRow = process.stderr.isTTY ? '\r\x1b[K' : '';
const err = (line: string): void => void process.stderr.write(`${clearRow}${line}\n`);

/** Of the call, as far as it is known. */
let finalCode = 0;

/** A reader that has gone has what it wanted; anything else means that data is lost. */
function endUnwritten(error: NodeJS.ErrnoException): never {
  if (error.code === 'EPIPE') end(finalCode);
  const where = 'standard output';
  const lost = new RunError({ where, problem: `cannot be written (${error.message})` });
  end(reportError(lost, { isVerbose: false, err }));
}

process.stdout.on('error', endUnwritten);
// Work goes on where nobody reads its progress and logs any more.
process.stderr.on('error', () => {});

process.on('uncaughtException', (error) => {
  end(reportError(error, { isVerbose: process.argv.includes('--verbose'), err }));
});

readEnvFile('.env', process.env);
const { signal, stopsInOrder, exitCode } = catchSignals(err);
const { NO_COLOR, FORCE_COLOR, COLUMNS } = process.env;
const isColourless = Boolean(NO_COLOR) || FORCE_COLOR === '0' || FORCE_COLOR === 'false';
const colours = !isColourless && (FORCE_COLOR ? true : process.stdout.isTTY === true);
/** A terminal may say that it has 0 columns, as in containers. */
const columns = [process.stdout.columns, Number(COLUMNS)].find((width) => width > 0) ?? 80;
const world = { env: process.env, signal, stopsInOrder, out, err, colours, columns };
const code = await runCli(process.argv.slice(2), world);
finalCode = exitCode() ?? code;
process.stdout.write('', (error) => (error ? endUnwritten(error) : end(finalCode)));
