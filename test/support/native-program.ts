/** C++ programs of tests, compiled for each kind of processor that this machine can stand for. */
import { execFileSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { findCompiler } from '../../src/setup/tools.js';
import { hasVectors, processorFlags } from '../../src/util/processor.js';

const flags = processorFlags();

/** What to compile for, floats of a register, and whether it has matrix tiles or products of bfloat16 apart from them. */
export const PROCESSORS = [
  { march: 'x86-64', lanes: 4, runs: process.arch === 'x64' },
  { march: 'x86-64-v3', lanes: 8, runs: hasVectors(flags) },
  { march: 'alderlake', lanes: 8, runs: flags.includes('avx_vnni') },
  { march: 'x86-64-v4', lanes: 16, runs: flags.includes('avx512f') },
  { march: 'cascadelake', lanes: 16, runs: flags.includes('avx512_vnni') },
  { march: 'cooperlake', lanes: 16, half: true, runs: flags.includes('avx512_bf16') },
  { march: 'sapphirerapids', lanes: 16, tiles: true, runs: flags.includes('amx_bf16') },
].filter(({ runs }) => runs && process.platform === 'linux');

interface Compilation {
  /** Where the program comes to lie. */
  readonly folder: string;
  /** Flags of the compiler. */
  readonly args: readonly string[];
}

/** The path of a program that is compiled. */
export function compiled(source: string, { folder, args }: Compilation): string {
  const compiler = findCompiler(process.env);
  const file = join(folder, basename(source, '.cc'));
  execFileSync(compiler.program, [...compiler.args, ...args, source, '-o', file]);
  return file;
}

/** The JSON that a program prints. */
export function outputOf(
  source: string,
  march: string,
  { folder, args }: Compilation,
): Record<string, unknown> {
  const program = compiled(source, { folder, args: [...args, `-march=${march}`] });
  return JSON.parse(execFileSync(program, { encoding: 'utf8' }));
}
