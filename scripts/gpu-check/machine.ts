/** The machine that is checked, and the versions of what it is measured with. */
import { spawnSync } from 'node:child_process';
import os from 'node:os';
import { describeCard } from '../../src/setup/index.js';
import { showOnly } from '../../src/tensor/gpu.js';
import { SetupError } from '../../src/util/errors.js';

const PEERS = 'torch, transformers, trl, peft, accelerate, datasets';

/** @param card As CUDA_VISIBLE_DEVICES names it. @throws SetupError where the Python lacks a peer, or torch sees no card */
export function describeMachine(card: string | null, python: string | null): string {
  return [
    ...(card === null ? [] : [describeCard(card) ?? `card ${card}`]),
    `${os.cpus()[0]?.model.trim()}, ${os.availableParallelism()} cores`,
    `Node ${process.versions.node}`,
    python === null ? 'no Python was named to measure beside' : versionsOf(python, card),
  ].join('; ');
}

function asked(program: string, args: readonly string[], env = process.env) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', env });
  const lastOf = (text: string | null) => (text ?? '').trim().split('\n').at(-1) ?? '';
  return { ok: status === 0, stdout: lastOf(stdout), error: error?.message ?? lastOf(stderr) };
}

function versionsOf(python: string, card: string | null): string {
  const needed =
    card === null ? '' : "assert torch.cuda.is_available(), 'torch sees no CUDA card'; ";
  const named = `', '.join(f'{m.__name__} {m.__version__}' for m in [${PEERS}])`;
  const seen = card === null ? process.env : { ...process.env, ...showOnly(card) };
  const { ok, stdout, error } = asked(
    python,
    ['-c', `import ${PEERS}; ${needed}print(${named})`],
    seen,
  );
  if (ok) return stdout;
  throw new SetupError({
    where: `python=${python}`,
    problem: error,
    remedy: `It needs ${PEERS}; without python=… nothing is measured beside`,
  });
}
