import type { RunFolder } from '../report/index.js';
export function writeTrainingReport(_run: RunFolder, _o: unknown): void {}
