/**
 * Base parameters that an adapter trains copies of: whole modules (PEFT's `modules_to_save`) and biases
 * (PEFT's `bias`). The base keeps its own values, so that the adapter can be switched off.
 */
import type { ParameterShape } from '../tensor/index.js';
import { InputError } from '../util/errors.js';
import {
  inModel,
  isSaved,
  isSavedBy,
  type LoraConfig,
  lastParts,
  moduleOf,
} from '../weights/index.js';
import type { DecoderSpec, Weighted } from './spec.js';
import { biasOf, expertMatrices, expertWeights } from './spec-experts.js';
import { EMBEDDING, LM_HEAD, parameterShapes, sinksOf } from './spec-modules.js';

/**
 * @param targets Modules with LoRA.
 * @throws InputError when an entry of `modules_to_save` names nothing, or a block of several modules.
 */
export function replacedParameters(
  spec: DecoderSpec,
  config: LoraConfig,
  targets: ReadonlySet<string>,
): ParameterShape[] {
  const { root, modulesToSave, bias } = config;
  const shapes = new Map(parameterShapes(spec));
  for (const name of withoutModules(spec)) shapes.delete(name);
  if (spec.tieWordEmbeddings) shapes.set(LM_HEAD, shapes.get(EMBEDDING)!);
  const modules = [...new Set([...shapes.keys()].map((name) => inModel(root, moduleOf(name))))];
  for (const entry of modulesToSave ?? []) checkSaved(entry, modules);
  const hasOwnBias = (name: string): boolean =>
    bias === 'all' || (bias === 'lora_only' && targets.has(moduleOf(name)));
  const isReplaced = (name: string): boolean =>
    isSaved(config, name) || (name.endsWith('.bias') && hasOwnBias(name));
  return [...shapes].filter(([name]) => isReplaced(name)).map(([name, shape]) => ({ name, shape }));
}

/**
 * Experts are one module to PEFT, and so are blocks of them, which have another name there than in some checkpoints. Sinks
 * are in a block of modules.
 */
function withoutModules(spec: DecoderSpec): string[] {
  const routers = spec.layers.map((_, layer) => expertWeights(spec, layer).router);
  const sinks = spec.layers.flatMap((_, layer) => sinksOf(spec, layer) ?? []);
  const matrices = expertMatrices(spec);
  return [
    ...[...matrices, ...matrices.map(biasOf), ...sinks],
    ...(spec.names.mlp === 'mlp' ? [] : routers),
  ];
}

function checkSaved(entry: string, modules: readonly string[]): void {
  const isBlock = modules.some((module) =>
    module.split('.').some((_, i, parts) => i > 0 && isSavedBy(entry, parts.slice(0, i).join('.'))),
  );
  if (!isBlock && modules.some((module) => isSavedBy(entry, module))) return;
  throw new InputError({
    where: 'modules_to_save',
    problem: `"${entry}" ${isBlock ? 'names a block of modules' : 'names no module of the model'}`,
    remedy: `Name modules with weights of their own: ${lastParts(modules).join(', ')}`,
  });
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
