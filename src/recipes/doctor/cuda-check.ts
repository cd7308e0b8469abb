/** The CUDA libraries that set-up has unpacked: those that TensorFlow opens by name when it runs on a GPU. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { kindOf } from '../../tensor/gpu.js';
import { type DeviceChoice, locateRuntime } from '../../tensor/runtime.js';
import { broken, type Check, ok } from './check.js';

/** By XLA's tsl/platform/default/dso_loader.cc; scripts/checks/cuda_wheels.py holds them to the wheels. */
const LIBRARIES = [
  'cuda_runtime/lib/libcudart.so.12',
  'cublas/lib/libcublas.so.12',
  'cublas/lib/libcublasLt.so.12',
  'cudnn/lib/libcudnn.so.9',
  'cufft/lib/libcufft.so.11',
  'cusolver/lib/libcusolver.so.11',
  'cusparse/lib/libcusparse.so.12',
  'cuda_cupti/lib/libcupti.so.12',
  'nccl/lib/libnccl.so.2',
] as const;

/** One line for each library; none where the runtime in use is not one that set-up has built for CUDA. */
export function cudaChecks(device: DeviceChoice): Check[] {
  const runtime = kindOf(device) === 'cpu' ? null : locateRuntime(device);
  if (runtime?.device !== 'cuda' || runtime.tensorflowDir === null) return [];
  const folder = join(dirname(runtime.tensorflowDir), 'nvidia');
  return libraryChecks(folder);
}

export function libraryChecks(folder: string): Check[] {
  return LIBRARIES.map((library) => {
    const name = library.split('/').at(-1) ?? library;
    const path = join(folder, library);
    return existsSync(path)
      ? ok(name, path)
      : broken(name, `not at ${path}`, 'Run `npx lorikeet setup device=cuda force=true`');
  });
}
