/**
 * What ONNX Runtime and its providers say when memory or a device gives out → an error that says what to change.
 * The words are those of its arena (bfc_arena.cc), of its checks of CUDA, cuBLAS and cuDNN calls (cuda_call.cc), and of
 * C++ and V8 for the host.
 */
import { messageOf, RunError } from '../../util/errors.js';

interface Cause {
  readonly pattern: RegExp;
  readonly problem: string;
  readonly remedy: string;
}

const CAUSES: readonly Cause[] = [
  {
    pattern:
      /smaller than requested bytes of \d+|Failed to allocate memory for requested buffer of size \d+|out of memory|ALLOC_FAILED|bad_alloc|bad allocation|Array buffer allocation failed|Invalid typed array length/i,
    problem: 'memory ran out',
    remedy:
      'Lower the batch, or the lengths of prompts and completions; on a card also raise rollout_memory_limit, lower memory_limit, which is what training takes, or set rollout_release_memory=true',
  },
  {
    pattern: /no kernel image is available|CUDA failure (35|36|209|222|803)\b/i,
    problem: 'the card or its driver does not run this build of CUDA',
    remedy:
      'Run `npx lorikeet doctor`, install the driver that it names, or use rollout_device=cpu',
  },
  {
    pattern: /(CUDA|CUBLAS|CUDNN|CURAND) failure \d+|device (was |is )?lost|DeviceLost/i,
    problem: 'the device failed',
    remedy:
      'Look for its errors in `nvidia-smi -q` and in the log of the system (`dmesg`), then try again, or use rollout_device=cpu',
  },
];

/** Most characters of the message itself that are told. */
const TOLD = 160;

/** @returns `error` itself when it is about something else */
export function explained(error: unknown): unknown {
  const message = messageOf(error);
  for (const { pattern, problem, remedy } of CAUSES) {
    const match = pattern.exec(message);
    if (match === null) continue;
    // What stands before is the place in the sources, after it names of files and hosts.
    const told = message.slice(match.index).split(' ; ', 1)[0]!.slice(0, TOLD);
    const parts = { where: 'rollouts', problem: `${problem} (${told})`, remedy };
    return new RunError(parts, { cause: error });
  }
  return error;
}

/** Memory of the host runs out in JavaScript as well: for caches, and for what is read back. */
export function explaining<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw explained(error);
  }
}

export async function explainingAsync<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw explained(error);
  }
}
