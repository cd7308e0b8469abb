/** Checks of the machine itself: Node, system, processor, memory, disk, GPU. */
import {
  describeCard,
  ensureWritable,
  freeBytes,
  gigabytes,
  glibcVersion,
  nvidiaGpu,
  unfitForTraining,
  unlistedCard,
} from '../../setup/index.js';
import { kindOf, pickCard, visibleCards } from '../../tensor/gpu.js';
import type { DeviceChoice } from '../../tensor/runtime.js';
import { cacheRoot } from '../../util/cache.js';
import { counted } from '../../util/counted.js';
import { messageOf } from '../../util/errors.js';
import { describeMachine } from '../../util/machine.js';
import { NODE_REMEDY, TESTED_NODES, tooOldNode } from '../../util/node-version.js';
import { broken, type Check, note, ok } from './check.js';

export function nodeCheck(version: string): Check {
  if (tooOldNode(version)) return broken('node', `${version} is too old`, NODE_REMEDY);
  return TESTED_NODES.includes(Number.parseInt(version, 10))
    ? ok('node', version)
    : note('node', `${version} is not a tested version`, NODE_REMEDY);
}

export function systemCheck(): Check {
  const name = `${process.platform}-${process.arch}`;
  const glibc = glibcVersion();
  const found = glibc === null ? name : `${name}, glibc ${glibc}`;
  const isSupported = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);
  return isSupported && glibc !== null
    ? ok('system', found)
    : note(
        'system',
        found,
        'Use Linux with glibc on x64 or arm64; elsewhere set-up cannot build TensorFlow',
      );
}

export function processorChecks(): Check[] {
  const { cpu, cores, features, memory, availableMemory } = describeMachine();
  const list = features.length === 0 ? 'no known vector features' : features.join(' ');
  const described = `${cpu}, ${counted(cores, 'core')}, ${list}`;
  const hasVectors = features.includes('avx2') || process.arch !== 'x64';
  const found = `${gigabytes(memory)}, ${gigabytes(availableMemory)} available`;
  return [
    hasVectors
      ? ok('processor', described)
      : note(
          'processor',
          described,
          'Without AVX2 training is slow; use a machine from 2013 or later',
        ),
    availableMemory >= 2e9
      ? ok('memory', found)
      : note(
          'memory',
          found,
          'Close other programs: small models need 2 GB, SmolLM2-135M about 6 GB',
        ),
  ];
}

export function diskChecks(): Check[] {
  const cache = cacheRoot();
  try {
    ensureWritable(cache);
  } catch (error) {
    return [broken('cache', messageOf(error), 'Set LORIKEET_CACHE to a folder that you can write')];
  }
  const free = `${cache}, ${gigabytes(freeBytes(cache))} free`;
  const here = `${process.cwd()}, ${gigabytes(freeBytes(process.cwd()))} free`;
  return [
    ok('cache', free),
    freeBytes(process.cwd()) >= 1e9
      ? ok('disk', here)
      : note('disk', here, 'Free some space: run folders and checkpoints are written here'),
  ];
}

/** The card that `device` names, else the first. */
export function gpuCheck(device: DeviceChoice): Check {
  const isAsked = kindOf(device) === 'cuda';
  const cards = visibleCards();
  if (cards.length === 0) {
    const remedy = 'Install the NVIDIA driver (`nvidia-smi` must list a GPU), or use device=cpu';
    return isAsked
      ? broken('gpu', 'no NVIDIA GPU is visible to this process', remedy)
      : ok('gpu', 'none; the CPU is used');
  }
  let card: string;
  try {
    card = pickCard(device);
  } catch (error) {
    return broken('gpu', `${cards.length} visible`, messageOf(error));
  }
  const gpu = nvidiaGpu(card);
  if (gpu === null) {
    const unlisted = unlistedCard(card);
    if (unlisted !== null) return broken('gpu', unlisted.problem, unlisted.remedy);
    return note(
      'gpu',
      'device files are there, but nvidia-smi fails',
      'Install the NVIDIA driver tools',
    );
  }
  const found = `${describeCard(card)}; card ${card} of ${cards.length} visible`;
  const unfit = unfitForTraining(gpu);
  if (unfit === null) return ok('gpu', found);
  return (isAsked ? broken : note)('gpu', `${found}; ${unfit.problem}`, unfit.remedy);
}
