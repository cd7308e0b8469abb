/** An nvidia-smi that lists a card that samples and one that does not. */
import { join } from 'node:path';
import { nodeProgram } from '../../support/programs.js';
import { temporaryFolder } from '../../support/temporary.js';

/** @returns The folder that it is in, for PATH */
export function folderOfTwoCards(): string {
  const folder = temporaryFolder();
  nodeProgram(
    join(folder, 'nvidia-smi'),
    `const [first] = process.argv.slice(2);
if (first === '-L') console.log('GPU 0: H100 (UUID: GPU-aa)\\nGPU 1: GTX 1080 (UUID: GPU-bb)');
else if (first === '--id=0') console.log('H100, 580.1, 9.0');
else if (first === '--id=1') console.log('GTX 1080, 580.1, 6.1');
else process.exit(6);
`,
  );
  return folder;
}
