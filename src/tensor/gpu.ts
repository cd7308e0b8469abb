/** Whether this machine shows an NVIDIA GPU to this process: looks at device files, loads and starts nothing. */
import { existsSync, readdirSync } from 'node:fs';
import { SetupError } from '../util/errors.js';

function deviceFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/**
 * True when `/dev/nvidia0`, `/dev/nvidia1`, … (Linux) or the WSL 2 driver is there and
 * `CUDA_VISIBLE_DEVICES` does not hide all of them.
 */
export function hasNvidiaGpu(env: NodeJS.ProcessEnv = process.env, folder = '/dev'): boolean {
  const visible = env.CUDA_VISIBLE_DEVICES?.trim();
  if (visible === '' || visible === '-1' || visible === 'NoDevFiles') return false;
  const files = deviceFiles(folder);
  if (files.some((name) => /^nvidia\d+$/.test(name))) return true;
  return files.includes('dxg') && existsSync('/usr/lib/wsl/lib/libcuda.so.1');
}

/** Said before anything is downloaded or loaded for a GPU that is not there. */
export function noGpuError(): SetupError {
  const hidden = process.env.CUDA_VISIBLE_DEVICES;
  const note = hidden === undefined ? '' : ` (CUDA_VISIBLE_DEVICES=${JSON.stringify(hidden)})`;
  return new SetupError({
    where: 'device=cuda',
    problem: `no NVIDIA GPU is visible to this process${note}`,
    remedy:
      'Install the NVIDIA driver (`nvidia-smi` must list a GPU), start the container with `--gpus all`, or use device=cpu',
  });
}
