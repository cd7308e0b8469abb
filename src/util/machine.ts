/** What matters about this machine's processor and memory. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { processorFlags } from './processor.js';

/** Processor features that decide which kernels TensorFlow and ONNX Runtime can use. */
const FEATURES = [
  'avx2',
  'fma',
  'avx_vnni',
  'avx512f',
  'avx512_vnni',
  'avx512_bf16',
  'amx_bf16',
  'amx_int8',
  'bf16',
  'i8mm',
];

/** The flags that are among `FEATURES`. */
export function knownFeatures(flags: readonly string[]): string[] {
  return FEATURES.filter((name) => flags.includes(name));
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
    features: knownFeatures(processorFlags()),
    memory,
    availableMemory: Math.min(free, memory),
  };
}
