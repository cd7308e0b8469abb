/** Features of the processor, as the system names them. */
import { readFileSync } from 'node:fs';

/** The words of the first line of flags in the text of `/proc/cpuinfo`. */
export function flagsIn(cpuinfo: string): readonly string[] {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim();
  return line ? line.split(/\s+/) : [];
}

/** Feature flags of the processor as Linux lists them; empty elsewhere. */
export function processorFlags(): readonly string[] {
  return process.platform === 'linux' ? flagsIn(readFileSync('/proc/cpuinfo', 'utf8')) : [];
}

/** Whether a register holds eight floats or more, and products of them are added in one instruction. */
export const hasVectors = (flags: readonly string[]): boolean =>
  flags.includes('avx2') && flags.includes('fma');

/** Whether products of bfloat16 have instructions of their own. */
export const hasBfloat16Products = (flags = processorFlags()): boolean =>
  flags.includes('amx_bf16') || flags.includes('avx512_bf16');
