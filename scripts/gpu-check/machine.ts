/** The machine that is checked, and the versions of what it is measured with. */
import os from 'node:os';
import { describeCard } from '../../src/setup/index.js';

const PEERS = 'torch, transformers, trl, peft, accelerate, datasets';

/** @param card As CUDA_VISIBLE_DEVICES names it. */
export const describeMachine = (card: string | null): string =>
  [
    ...(card === null ? [] : [describeCard(card) ?? `card ${card}`]),
    `${os.cpus()[0]?.model.trim()}, ${os.availableParallelism()} cores`,
    `Node ${process.versions.node}`,
  ].join('; ');

/** A program that prints the versions of the peers, and fails where one is missing or torch sees no card. */
export function versionsProgram(isOnCard: boolean): string {
  const needed = isOnCard ? "assert torch.cuda.is_available(), 'torch sees no CUDA card'; " : '';
  const versions = `{m.__name__: m.__version__ for m in [${PEERS}]}`;
  return `import json, ${PEERS}; ${needed}print(json.dumps(${versions}))`;
}
