/** The process-wide objects of ONNX Runtime and the conversion of its statuses to errors. */
import { RunError } from '../../util/errors.js';
import { loadOrtApi, type OrtApi } from './api.js';
import { explained } from './explained.js';
import type { OutCell, Pointer, Status } from './functions.js';

/** The library prints nothing short of its own end: errors come back as statuses and are thrown. */
export const LOG_LEVEL_FATAL = 4;
const ARENA_ALLOCATOR = 1;
const DEFAULT_MEMORY = 0;

export interface OrtRuntime {
  readonly api: OrtApi;
  readonly env: Pointer;
  readonly cpuMemory: Pointer;
}

let runtime: OrtRuntime | undefined;

/** The one environment of this process; it lives as long as the process. */
export function ortRuntime(): OrtRuntime {
  if (runtime === undefined) {
    const api = loadOrtApi();
    const env = receive(api, 'CreateEnv', (out) => api.CreateEnv(LOG_LEVEL_FATAL, 'lorikeet', out));
    const cpuMemory = receive(api, 'CreateCpuMemoryInfo', (out) =>
      api.CreateCpuMemoryInfo(ARENA_ALLOCATOR, DEFAULT_MEMORY, out),
    );
    runtime = { api, env, cpuMemory };
  }
  return runtime;
}

/** ONNX Runtime's own message, or null for success; the native status is released. */
export function messageOfStatus(api: OrtApi, status: Status): string | null {
  if (status === null) return null;
  const message = api.GetErrorMessage(status);
  api.ReleaseStatus(status);
  return message;
}

/**
 * @throws RunError with ONNX Runtime's own message, or with what to do where memory or a device gave out; the native
 *   status is released
 */
export function checkStatus(api: OrtApi, call: string, status: Status): void {
  const message = messageOfStatus(api, status);
  if (message === null) return;
  throw explained(new RunError({ where: 'ONNX Runtime', problem: `${call}: ${message}` }));
}

const cell: OutCell = new BigUint64Array(1);

/** Calls a function that hands back one pointer through its last argument. */
export function receive(api: OrtApi, call: string, run: (out: OutCell) => Status): Pointer {
  checkStatus(api, call, run(cell));
  return cell[0]!;
}
