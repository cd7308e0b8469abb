/** Saves the checkpoint of step 10 into the folder given; prints what went wrong. */
import { saveCheckpoint } from '../../../src/train/index.js';
import { largeState, largeStore } from './checkpoint-states.js';

try {
  await saveCheckpoint(largeStore(process.argv[2]!), largeState(10));
  process.stdout.write('saved');
} catch (error) {
  process.stdout.write(`${(error as Error).name}: ${(error as Error).message}`);
}
