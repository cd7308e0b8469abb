/**
 * Says how many sequences are longer than the model's context. They are trained on all the same, except where the
 * positions end there (`RopeSpec.maxLength`), which ends the run.
 */
import { counted } from '../../util/counted.js';
export function sayBeyondContext(
  sequences: readonly { readonly ids: readonly number[] }[],
  { context, log }: { readonly context: number; readonly log: (line: string) => void },
): void {
  const count = sequences.filter(({ ids }) => ids.length > context).length;
  if (count === 0) return;
  log(
    `warning: longer than the model's context of ${context} tokens: ${count} of ${counted(sequences.length, 'sequence')}. Lower max_length to stay within it`,
  );
}
