/** Writes a GGUF file, tensor by tensor, whole or not at all. */
import { writePiecesSlowly } from '../util/atomic-file.js';
import { aligned, headerBytes } from './header.js';
import type { GgufModel } from './model.js';
import { encodedBytes } from './types.js';

/** Bytes of the file's tensors. */
export const dataBytes = ({ tensors }: GgufModel): number =>
  tensors.reduce((sum, { shape, dtype }) => sum + aligned(encodedBytes(shape, dtype)), 0);

/** @param onProgress Called after each tensor with the bytes done; what it throws ends the writing. */
export async function writeGguf(
  path: string,
  { metadata, tensors }: GgufModel,
  onProgress: (done: number) => void,
): Promise<void> {
  await writePiecesSlowly(path, async (append) => {
    append(headerBytes(metadata, tensors));
    let done = 0;
    for (const { bytes } of tensors) {
      const data = bytes();
      append(data);
      append(new Uint8Array(aligned(data.length) - data.length));
      done += aligned(data.length);
      onProgress(done);
      await new Promise(setImmediate);
    }
  });
}
