/** Keys of a base in 4 bits (QLoRA), under TRL's names. */
import { z } from 'zod';
import { off } from './fields.js';
import { issueAt } from './issue-at.js';

export const quantizationKeys = {
  load_in_4bit: off(
    'Linear modules and experts of the base in 4 bits (QLoRA); trained only by LoRA',
  ),
  bnb_4bit_quant_type: z
    .enum(['nf4', 'fp4'])
    .default('nf4')
    .describe('The 16 values of load_in_4bit: of a normal distribution, or floats'),
  use_bnb_nested_quant: off('load_in_4bit: quantize the scales of blocks as well, in 8 bits'),
};

export type QuantizationKeys = z.output<z.ZodObject<typeof quantizationKeys>>;

/** Checks between them; used with `superRefine`. */
export function checkQuantization(
  config: QuantizationKeys & { readonly engine?: string },
  context: z.RefinementCtx,
): void {
  const { load_in_4bit, bnb_4bit_quant_type, use_bnb_nested_quant, engine } = config;
  const issue = issueAt(context);
  if (load_in_4bit && engine === 'server') {
    issue('load_in_4bit', 'a server keeps its own weights. Leave it out');
  }
  if (load_in_4bit) return;
  const unused = 'nothing is kept in 4 bits. Set load_in_4bit=true, or leave it out';
  if (use_bnb_nested_quant) issue('use_bnb_nested_quant', unused);
  if (bnb_4bit_quant_type !== 'nf4') issue('bnb_4bit_quant_type', unused);
}
