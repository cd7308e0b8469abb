/** Whether the weights of a base are numbers: looked at only once something that was computed from them is none. */
import { InputError } from '../../util/errors.js';
import { openCheckpoint, toFloat32 } from '../../weights/index.js';

/** @throws InputError naming the first tensor in the folder that holds NaN or an infinity, and its file */
export function checkFinite(dir: string): void {
  const checkpoint = openCheckpoint(dir);
  try {
    for (const name of checkpoint.names().filter((each) => checkpoint.isPlain(each))) {
      const value = toFloat32(checkpoint.tensor(name)).find((each) => !Number.isFinite(each));
      if (value === undefined) continue;
      throw new InputError({
        where: checkpoint.fileOf(name),
        problem: `tensor "${checkpoint.storedName(name)}" holds ${value}`,
        remedy: 'The file is damaged, or its training diverged: fetch it again, or take another',
      });
    }
  } finally {
    checkpoint.close();
  }
}
