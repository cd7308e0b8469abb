/** The keys of a base in 4 bits. */
import type { QuantizationKeys } from '../../config/index.js';
import { type Adapter, type Quantization, quantizationName } from '../../weights/index.js';

/** Null: the base as it is. */
export function quantizationOf(keys: Partial<QuantizationKeys>): Quantization | null {
  if (keys.load_in_4bit !== true) return null;
  const { bnb_4bit_quant_type: type = 'nf4', use_bnb_nested_quant: isNested = false } = keys;
  return { type, isNested };
}

/** For hashes of what a base computes: one that is as on disk adds nothing to them. */
export function baseIdentity(keys: Partial<QuantizationKeys>): readonly Quantization[] {
  const quantization = quantizationOf(keys);
  return quantization === null ? [] : [quantization];
}

/** By the name of what they keep. */
const KEYS_OF: ReadonlyMap<string, string> = new Map([
  ['nf4', 'load_in_4bit=true'],
  ['nf4, nested', 'load_in_4bit=true use_bnb_nested_quant=true'],
  ['fp4', 'load_in_4bit=true bnb_4bit_quant_type=fp4'],
  ['fp4, nested', 'load_in_4bit=true bnb_4bit_quant_type=fp4 use_bnb_nested_quant=true'],
]);

/** The keys that keep a base as an adapter names it; undefined where it names none, or no way that is known here. */
export const baseKeys = (trainedOn: string | null): string | undefined =>
  trainedOn === null ? undefined : KEYS_OF.get(trainedOn);

interface UsedAdapter {
  readonly adapter: Pick<Adapter, 'quantization'>;
  /** Its folder. */
  readonly where: string;
  readonly log: (line: string) => void;
}

/**
 * Says where an adapter is used on its base in other numbers than it was trained on.
 * @param keys Those that the command has
 */
export function sayOtherBase(
  keys: Partial<QuantizationKeys>,
  { adapter: { quantization: trainedOn = null }, where, log }: UsedAdapter,
): void {
  const usedOn = quantizationOf(keys);
  const used = usedOn === null ? null : quantizationName(usedOn);
  if (trainedOn === used) return;
  const fourBits = (name: string) => `in 4 bits (${name})`;
  const training =
    trainedOn === null
      ? 'does not name 4 bits of its base'
      : `trained on its base ${fourBits(trainedOn)}`;
  const asTrained = baseKeys(trainedOn);
  const keysAlone = used === null ? asTrained : `${asTrained} alone`;
  const way =
    keys.load_in_4bit === undefined
      ? `lorikeet export with ${asTrained} merges it into`
      : `${keysAlone} takes`;
  const remedy = asTrained === undefined ? '' : `; ${way} the base that it was trained on`;
  log(`${where}: ${training}, used on it ${used === null ? 'as it is' : fourBits(used)}${remedy}`);
}
