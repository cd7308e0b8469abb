/** The machine that is checked, and the versions of what it is measured with. */
import { describeCard } from '../../src/setup/index.js';
import { describeMachine } from '../../src/util/machine.js';

const PEERS = 'torch, transformers, trl, peft, accelerate, datasets';

/** @param card As CUDA_VISIBLE_DEVICES names it. */
export function describeDevice(card: string | null): string {
  const { cpu, cores } = describeMachine();
  return [
    ...(card === null ? [] : [describeCard(card) ?? `card ${card}`]),
    `${cpu}, ${cores} cores`,
    `Node ${process.versions.node}`,
  ].join('; ');
}

/** A program that prints the versions of the peers, and fails where one is missing or torch sees no card. */
export function versionsProgram(isOnCard: boolean): string {
  const needed = isOnCard ? "assert torch.cuda.is_available(), 'torch sees no CUDA card'; " : '';
  const versions = `{m.__name__: m.__version__ for m in [${PEERS}]}`;
  return `import json, ${PEERS}; ${needed}print(json.dumps(${versions}))`;
}
