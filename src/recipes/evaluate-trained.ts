import type { RunFolder } from '../report/index.js';
export async function evaluateTrained(_run: RunFolder, _args: unknown): Promise<Record<string, number>> { return {}; }
