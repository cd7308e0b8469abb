/** What matters about this machine's processor and memory. */
import { readFileSync } from 'node:fs';
import os from 'node:os';

/** Processor features that decide which kernels TensorFlow and ONNX Runtime can use. */
const FEATURES = [
  'avx2',
  'fma',
  'avx512f',
  'avx512_vnni',
  'avx512_bf16',
  'amx_bf16',
  'amx_int8',
  'bf16',
  'i8mm',
];

/** The features among `FEATURES` that `/proc/cpuinfo` lists. */
export function cpuFeatures(cpuinfo: string): string[] {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1] ?? '';
  const present = new Set(line.trim().split(/\s+/));
  return FEATURES.filter((name) => present.has(name));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly features: readonly string[];
  /** Bytes. */
  readonly memory: number;
  /** Bytes that can be used without swapping. */
  readonly availableMemory: number;
}

export function describeMachine(): Machine {
  const limit = process.constrainedMemory();
  const total = os.totalmem();
  const available = /^MemAvailable:\s+(\d+) kB/m.exec(textOf('/proc/meminfo'))?.[1];
  const memory = limit > 0 && limit < total ? limit : total;
  const free = available === undefined ? os.freemem() : Number(available) * 1024;
  return {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    features: cpuFeatures(textOf('/proc/cpuinfo')),
    memory,
    availableMemory: Math.min(free, memory),
  };
}
