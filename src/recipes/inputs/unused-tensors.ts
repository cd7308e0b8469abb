/** Tensors of a checkpoint that the architecture of its config.json has no place for. */
import { EMBEDDING, LM_HEAD } from '../../model/spec-modules.js';
import { InputError } from '../../util/errors.js';
import type { Checkpoint } from '../../weights/index.js';

/** Buffers that older checkpoints hold; they follow from config.json. */
const BUFFER = /\.rotary_emb\.inv_freq$/;
/** Tensors of a decoder; others stand behind it, as the head of a reward model does. */
const DECODER = /^(?:model|lm_head)\./;

/**
 * A head beside tied embeddings is taken where it equals them, as transformers does.
 * @param unused Names of the tensors.
 * @throws InputError naming file and tensor where leaving it out would change what the model computes.
 */
export function checkUnused(
  checkpoint: Checkpoint,
  unused: readonly string[],
  log: (line: string) => void,
): void {
  const others = unused.filter((name) => name !== LM_HEAD && !BUFFER.test(name));
  const inside = others.filter((name) => DECODER.test(name));
  if (inside.length > 0) {
    throw new InputError({
      where: checkpoint.fileOf(inside[0]!),
      problem: `the model that config.json describes has no tensor ${named(checkpoint, inside)}`,
      remedy: 'The weights must belong to the config.json beside them',
    });
  }
  if (unused.includes(LM_HEAD) && !isTied(checkpoint)) {
    throw new InputError({
      where: checkpoint.fileOf(LM_HEAD),
      problem: `${named(checkpoint, [LM_HEAD])} differs from ${named(checkpoint, [EMBEDDING])}, to which config.json ties it`,
      remedy: 'Set tie_word_embeddings to false in config.json to use both',
    });
  }
  if (others.length > 0) log(`model: not used of ${checkpoint.dir}: ${named(checkpoint, others)}`);
}

function named(checkpoint: Checkpoint, names: readonly string[]): string {
  const first = names.slice(0, 3).map((name) => `"${checkpoint.storedName(name)}"`);
  return `${first.join(', ')}${names.length > 3 ? `, … (${names.length})` : ''}`;
}

function isTied(checkpoint: Checkpoint): boolean {
  const [head, embedding] = [checkpoint.tensor(LM_HEAD), checkpoint.tensor(EMBEDDING)];
  return head.dtype === embedding.dtype && Buffer.compare(head.bytes, embedding.bytes) === 0;
}
