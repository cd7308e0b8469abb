/**
 * Base parameters that an adapter trains copies of: whole modules (PEFT's `modules_to_save`) and biases
 * (PEFT's `bias`). The base keeps its own values, so that the adapter can be switched off.
 */
import type { ParameterShape } from '../tensor/index.js';
import { InputError } from '../util/errors.js';
import { type HostTensor, inModel, type LoraConfig } from '../weights/index.js';
import { type DecoderSpec, EMBEDDING, LM_HEAD, parameterShapes } from './spec.js';

const moduleOf = (name: string): string => name.slice(0, name.lastIndexOf('.'));

/**
 * @param targets Modules with LoRA.
 * @throws InputError when an entry of `modules_to_save` names nothing, or a block of several modules.
 */
export function replacedParameters(
  spec: DecoderSpec,
  { root, modulesToSave, bias }: LoraConfig,
  targets: ReadonlySet<string>,
): ParameterShape[] {
  const shapes = new Map(parameterShapes(spec));
  if (spec.tieWordEmbeddings) shapes.set(LM_HEAD, shapes.get(EMBEDDING)!);
  const modules = [...new Set([...shapes.keys()].map((name) => inModel(root, moduleOf(name))))];
  for (const end of modulesToSave ?? []) checkSaved(end, modules);
  const isReplaced = (name: string): boolean => {
    const module = moduleOf(name);
    if (modulesToSave?.some((end) => inModel(root, module).endsWith(end))) return true;
    return (
      name.endsWith('.bias') && (bias === 'all' || (bias === 'lora_only' && targets.has(module)))
    );
  };
  return [...shapes].filter(([name]) => isReplaced(name)).map(([name, shape]) => ({ name, shape }));
}

function checkSaved(end: string, modules: readonly string[]): void {
  const where = 'modules_to_save';
  const isBlock = modules.some((module) =>
    module.split('.').some((_, i, parts) => i > 0 && parts.slice(0, i).join('.').endsWith(end)),
  );
  if (!isBlock && modules.some((module) => module.endsWith(end))) return;
  const ends = [...new Set(modules.map((module) => module.slice(module.lastIndexOf('.') + 1)))];
  throw new InputError({
    where,
    problem: `"${end}" ${isBlock ? 'names a block of modules' : 'names no module of the model'}`,
    remedy: `Name modules with weights of their own: ${ends.join(', ')}`,
  });
}

interface Weighted {
  readonly spec: DecoderSpec;
  readonly weights: (name: string) => HostTensor;
}

/**
 * A model whose embeddings are also its output head comes apart when an adapter replaces one of the two,
 * as in PEFT: the other one keeps the base's values.
 */
export function untied(
  { spec, weights }: Weighted,
  { replaced }: { readonly replaced: ReadonlySet<string> },
): Weighted {
  if (!spec.tieWordEmbeddings || !(replaced.has(EMBEDDING) || replaced.has(LM_HEAD))) {
    return { spec, weights };
  }
  return {
    spec: { ...spec, tieWordEmbeddings: false },
    weights: (name) => weights(name === LM_HEAD ? EMBEDDING : name),
  };
}
