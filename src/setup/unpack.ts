/** Unpacks parts of wheels and npm tarballs, with Python's standard library (Node has no zip reader). */
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError } from '../util/errors.js';
import { failureOf, runChild } from './child.js';
import type { StepContext } from './observer.js';
import type { Python } from './tools.js';

const SCRIPT = fileURLToPath(new URL('./native/unpack.py', import.meta.url));

export interface UnpackOptions extends Omit<StepContext, 'env'> {
  readonly python: Python;
}

function unpackError(archive: string, detail: string): SetupError {
  return new SetupError({
    where: archive,
    problem: `cannot be unpacked (${detail})`,
    remedy: /No space left/i.test(detail)
      ? 'Free some disk space, or set LORIKEET_CACHE to a folder on a larger disk'
      : 'Delete this file and run set-up again',
  });
}

/** Unpacks the members whose names start with one of `prefixes` into `folder`. @throws SetupError. */
export async function unpack(
  archive: string,
  { folder, prefixes }: { readonly folder: string; readonly prefixes: readonly string[] },
  { python, observer, signal }: UnpackOptions,
): Promise<void> {
  const step = `unpack ${basename(archive).split('-')[0]}`;
  const result = await runChild(python.program, [SCRIPT, archive, folder, ...prefixes], {
    signal,
    onLine: (line) => {
      const [done = 0, total = 0] = line.split(' ').map(Number);
      observer.progress(step, done, total);
    },
  });
  observer.stepDone();
  if (result.code !== 0) throw unpackError(archive, failureOf(result));
}

/** Requirements that a wheel names under one of its extras. */
export async function requirementsOf(
  wheel: string,
  extra: string,
  { python, signal }: UnpackOptions,
): Promise<string[]> {
  const result = await runChild(python.program, [SCRIPT, '--requires', wheel, extra], { signal });
  if (result.code !== 0) throw unpackError(wheel, failureOf(result));
  return result.stdout.split('\n').filter((line) => line !== '');
}
