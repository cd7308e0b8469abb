/** The words of the command line. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DeviceChoice } from '../../src/tensor/gpu.js';
import { InputError } from '../../src/util/errors.js';
import { shapeOf } from './shapes.js';

export interface Words {
  readonly device: DeviceChoice;
  readonly output: string;
  readonly python: string | null;
  readonly shapes: readonly string[];
  readonly fit: string | null;
  readonly steps: number;
  /** Seconds: of a part, of set-up, which may have to download, and of all together. */
  readonly limit: number;
  readonly setupLimit: number;
  readonly total: number;
}

export const RESULT = 'gpu-check.json';

/** @throws InputError for what is none of its keys, or no value for one */
export function wordsOf(argv: readonly string[]): Words {
  const given = new Map<string, string>();
  for (const word of argv) {
    const at = word.indexOf('=');
    const name = at < 0 ? word : word.slice(0, at);
    if (at < 0 || given.has(name)) throw bad(word, 'give each key once, as key=value');
    given.set(name, word.slice(at + 1));
  }
  const take = (name: string, standard: string): string => {
    const value = given.get(name) ?? standard;
    given.delete(name);
    return value;
  };
  const setupLimit = Number(given.get('limit') ?? '3600');
  const device = take('device', 'cuda');
  const [shapes, fit] = device === 'cpu' ? ['tiny', 'tiny'] : [STANDARD_SHAPES, 'Qwen2.5-7B'];
  const words = {
    device: device as DeviceChoice,
    output: take('output', 'outputs/gpu-check'),
    python: take('python', '') || null,
    shapes: named(take('shapes', shapes)),
    fit: named(take('fit', fit))[0] ?? null,
    steps: Number(take('steps', '5')),
    limit: Number(take('limit', '600')),
    setupLimit,
    total: Number(take('total', 'Infinity')),
  };
  const [unknown] = given.keys();
  if (unknown !== undefined) {
    throw bad(
      unknown,
      'no such key: give device, output, python, shapes, fit, steps, limit or total',
    );
  }
  check(words);
  return words;
}

const STANDARD_SHAPES = 'SmolLM2-135M,Qwen2.5-1.5B';

const bad = (where: string, problem: string) => new InputError({ where, problem });

const named = (value: string): string[] => (value === 'none' ? [] : value.split(','));

function check({ device, output, shapes, fit, steps, limit, total }: Words): void {
  if (!/^(cpu|cuda(:\d+)?)$/.test(device))
    throw bad(`device=${device}`, 'give cpu, cuda or cuda:N');
  if (!(Number.isInteger(steps) && steps > 0)) throw bad(`steps=${steps}`, 'give 1 or more');
  for (const [name, seconds] of Object.entries({ limit, total })) {
    if (!(seconds > 0)) throw bad(`${name}=${seconds}`, 'give seconds above 0');
  }
  for (const shape of [...shapes, ...(fit === null ? [] : [fit])]) shapeOf(shape);
  const isOurs = !existsSync(output) || existsSync(join(output, RESULT));
  if (isOurs || readdirSync(output).length === 0) return;
  throw bad(`output=${output}`, `the folder holds other things than ${RESULT}: name a new one`);
}
