/**
 * LoRA on parameters that hold one matrix for each of a layer's experts: PEFT's `target_parameters` (`ParamWrapper` of
 * peft 0.21). A is [count · r, in], expert by expert, and B [out, r · count], rank by rank. Other parameters than those
 * of experts have none here.
 */
import type { LoraTensors } from './adapter.js';
import { inModel } from './decoder-root.js';
import { fromFloat32, toFloat32 } from './dtype.js';
import type { LoraConfig } from './lora-config.js';

/** In the order in which transformers 5 registers them, and PEFT wraps their module. */
const PARAMETERS = ['gate_up_proj', 'down_proj'];
const PARAMETER = new RegExp(`[.]experts[.](?:${PARAMETERS.join('|')})$`);
const WRAPPER = /^(.*[.]experts)((?:[.]base_layer)*)$/;

/** Whether a name is that of such a parameter, and of no linear module. */
export const isParameter = (name: string): boolean => PARAMETER.test(name);

type Targets = Pick<LoraConfig, 'root' | 'targetParameters'>;

/** Whether PEFT puts LoRA on a parameter for an entry of `target_parameters`, both as the whole model names them. */
export const isNamedParameter = (entry: string, parameter: string): boolean =>
  parameter === entry || parameter.endsWith(`.${entry}`);

export const isTargetParameter = ({ root, targetParameters }: Targets, name: string): boolean =>
  targetParameters?.some((entry) => isNamedParameter(entry, inModel(root, name))) ?? false;

/** Those of one module that have LoRA, from the outermost of its wrappers inwards. */
const wrapped = (targets: Targets, module: string): string[] =>
  PARAMETERS.map((name) => `${module}.${name}`)
    .filter((name) => isTargetParameter(targets, name))
    .reverse();

/** What PEFT's file calls the module of a target: each wrapper is a module around the one before it. */
export function fileModule(targets: Targets, name: string): string {
  if (!isParameter(name)) return name;
  const module = name.slice(0, name.lastIndexOf('.'));
  return module + '.base_layer'.repeat(wrapped(targets, module).indexOf(name));
}

/** The other way round. */
export function fromFileModule(targets: Targets, stored: string): string {
  const [, module, layers] = WRAPPER.exec(stored) ?? [];
  if (module === undefined) return stored;
  return wrapped(targets, module)[layers!.split('.').length - 1] ?? stored;
}

interface Experts {
  readonly count: number;
  /** Rows of B are gate and up in turns; of each expert's those of gate come first. */
  readonly inTurns: boolean;
}

/** What each expert's matrix gets of it, as LoRA by itself in float32. */
export function eachExpert({ a, b, scale }: LoraTensors, experts: Experts): LoraTensors[] {
  const { count, inTurns } = experts;
  const [columns, outputs] = [a.shape[1]!, b.shape[0]!];
  const r = a.shape[0]! / count;
  const half = outputs / 2;
  const rowOf = (i: number): number => {
    if (!inTurns) return i;
    return i < half ? 2 * i : 2 * (i - half) + 1;
  };
  const [allA, allB] = [toFloat32(a), toFloat32(b)];
  return Array.from({ length: count }, (_, expert) => {
    const own = new Float32Array(outputs * r);
    for (let i = 0; i < own.length; i++) {
      own[i] = allB[(rowOf(Math.floor(i / r)) * r + (i % r)) * count + expert]!;
    }
    const size = r * columns;
    const part = allA.subarray(expert * size, (expert + 1) * size);
    return { a: fromFloat32(part, [r, columns]), b: fromFloat32(own, [outputs, r]), scale };
  });
}

/** Rows from … to of what is added to a matrix. */
export function rowsOfLora({ a, b, scale }: LoraTensors, from: number, to: number): LoraTensors {
  const r = b.shape[1]!;
  const part = toFloat32(b).subarray(from * r, to * r);
  return { a, b: fromFloat32(part, [to - from, r]), scale };
}
