/** Writes a model's weights in Hugging Face layout: one safetensors file, or shards with an index. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeJson } from '../util/files.js';
import { sum } from '../util/numbers.js';
import { INDEX_FILE, SINGLE_FILE } from './checkpoint.js';
import { byteLength } from './dtype.js';
import type { HostTensor } from './host-tensor.js';
import { writeSafetensors } from './safetensors-writer.js';

export interface WriteCheckpointOptions {
  /** Start a new shard beyond this many bytes; one file when absent. */
  readonly maxShardBytes?: number;
}

/**
 * Writes a checkpoint's weights into `dir`: `model.safetensors`, or shards and their index when the
 * weights exceed `maxShardBytes`. Weights of an earlier checkpoint in `dir` that would shadow or
 * contradict these are removed.
 */
export function writeCheckpoint(
  dir: string,
  tensors: ReadonlyMap<string, HostTensor>,
  { maxShardBytes = Number.POSITIVE_INFINITY }: WriteCheckpointOptions = {},
): void {
  const shards = splitShards(tensors, maxShardBytes);
  if (shards.length <= 1) {
    writeSafetensors(join(dir, SINGLE_FILE), tensors);
    rmSync(join(dir, INDEX_FILE), { force: true });
    return;
  }
  const count = String(shards.length).padStart(5, '0');
  const weightMap: Record<string, string> = {};
  for (const [i, shard] of shards.entries()) {
    const name = `model-${String(i + 1).padStart(5, '0')}-of-${count}.safetensors`;
    writeSafetensors(join(dir, name), shard);
    for (const tensor of shard.keys()) weightMap[tensor] = name;
  }
  writeJson(join(dir, INDEX_FILE), {
    metadata: { total_size: sum([...tensors.values()].map(byteLength)) },
    weight_map: weightMap,
  });
  rmSync(join(dir, SINGLE_FILE), { force: true });
}

function splitShards(
  tensors: ReadonlyMap<string, HostTensor>,
  maxBytes: number,
): Map<string, HostTensor>[] {
  const shards: Map<string, HostTensor>[] = [];
  let filled = Number.POSITIVE_INFINITY;
  for (const [name, tensor] of tensors) {
    const size = byteLength(tensor);
    if (filled + size > maxBytes || shards.length === 0) {
      shards.push(new Map());
      filled = 0;
    }
    shards.at(-1)!.set(name, tensor);
    filled += size;
  }
  return shards;
}
