/** The keys of a base in 4 bits. */
import type { QuantizationKeys } from '../../config/index.js';
import { type Adapter, type Quantization, quantizationName } from '../../weights/index.js';

/** Null: the base as it is. */
export function quantizationOf(keys: Partial<QuantizationKeys>): Quantization | null {
  if (keys.load_in_4bit !== true) return null;
  const { bnb_4bit_quant_type: type = 'nf4', use_bnb_nested_quant: isNested = false } = keys;
  return { type, isNested };
}

/** Says where an adapter is used on its base in other numbers than it was trained on. */
export function sayOtherBase(
  { quantization: trainedOn = null }: Pick<Adapter, 'quantization'>,
  usedOn: Quantization | null,
  { where, log }: { readonly where: string; readonly log: (line: string) => void },
): void {
  const used = usedOn === null ? null : quantizationName(usedOn);
  if (trainedOn === used) return;
  const fourBits = (name: string) => `in 4 bits (${name})`;
  const training =
    trainedOn === null
      ? 'does not name 4 bits of its base'
      : `trained on its base ${fourBits(trainedOn)}`;
  log(`${where}: ${training}, used on it ${used === null ? 'as it is' : fourBits(used)}`);
}
