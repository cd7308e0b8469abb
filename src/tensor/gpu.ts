/**
 * Which NVIDIA cards this machine shows to this process, and the one that is used: looks at device files, loads
 * and starts nothing.
 */
import { existsSync, readdirSync } from 'node:fs';
import { counted } from '../util/counted.js';
import { SetupError } from '../util/errors.js';

/** `cuda:1` is the second of the cards that this process sees. */
export type DeviceChoice = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;

export const kindOf = (choice: DeviceChoice): 'auto' | 'cpu' | 'cuda' =>
  choice === 'auto' || choice === 'cpu' ? choice : 'cuda';

function deviceFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/**
 * The cards as CUDA_VISIBLE_DEVICES names them: those of that variable, else 0, 1, … for as many as there are device
 * files `/dev/nvidiaN` (Linux; a container with card 3 alone has `/dev/nvidia3`, and CUDA calls it 0), or one where
 * the WSL 2 driver is there.
 */
export function visibleCards(env: NodeJS.ProcessEnv = process.env, folder = '/dev'): string[] {
  const files = deviceFiles(folder);
  const count = files.filter((name) => /^nvidia\d+$/.test(name)).length;
  const isWsl = files.includes('dxg') && existsSync('/usr/lib/wsl/lib/libcuda.so.1');
  const present = Array.from({ length: count || Number(isWsl) }, (_, index) => String(index));
  const named = env.CUDA_VISIBLE_DEVICES?.trim();
  if (present.length === 0 || named === undefined) return present;
  const names = named.split(',').map((name) => name.trim());
  // As CUDA reads it: what stands behind the first name of no card counts as hidden.
  const end = names.findIndex((name) => name === '' || name === '-1' || name === 'NoDevFiles');
  return end < 0 ? names : names.slice(0, end);
}

/** True when at least one card is visible. */
export function hasNvidiaGpu(env: NodeJS.ProcessEnv = process.env, folder = '/dev'): boolean {
  return visibleCards(env, folder).length > 0;
}

/** The card that is asked for, as CUDA_VISIBLE_DEVICES names it; without a number the first. */
export const cardOf = (
  choice: DeviceChoice,
  cards: readonly string[] = visibleCards(),
): string | undefined => cards[Number(choice.split(':')[1] ?? 0)];

/**
 * The same where it must be there.
 * @throws SetupError when there is none; nothing is downloaded or loaded first.
 */
export function pickCard(choice: DeviceChoice, cards: readonly string[] = visibleCards()): string {
  const card = cardOf(choice, cards);
  if (card !== undefined) return card;
  throw cards.length === 0 ? noGpuError() : noSuchCard(choice, cards);
}

/** Variables by which CUDA shows one card only; cards are counted as nvidia-smi does. */
export const showOnly = (card: string, env: NodeJS.ProcessEnv = process.env) => ({
  CUDA_DEVICE_ORDER: env.CUDA_DEVICE_ORDER ?? 'PCI_BUS_ID',
  CUDA_VISIBLE_DEVICES: card,
});

function noSuchCard(choice: DeviceChoice, cards: readonly string[]): SetupError {
  const known = cards.map((_, index) => `cuda:${index}`).join(', ');
  return new SetupError({
    where: `device=${choice}`,
    problem: `this process sees ${counted(cards.length, 'NVIDIA GPU')}`,
    remedy: `Use ${known}, or show more by CUDA_VISIBLE_DEVICES`,
  });
}

/** Said before anything is downloaded or loaded for a GPU that is not there. @param instead What can be done without */
export function noGpuError(instead = 'use device=cpu'): SetupError {
  const hidden = process.env.CUDA_VISIBLE_DEVICES;
  const note = hidden === undefined ? '' : ` (CUDA_VISIBLE_DEVICES=${JSON.stringify(hidden)})`;
  return new SetupError({
    where: 'device=cuda',
    problem: `no NVIDIA GPU is visible to this process${note}`,
    remedy: `Install the NVIDIA driver (\`nvidia-smi\` must list a GPU), start the container with \`--gpus all\`, or ${instead}`,
  });
}
