/** `lorikeet doctor`: what this machine has and what will be used, each line with a remedy. */
import type { DeviceChoice } from '../tensor/runtime.js';
import type { Check } from './doctor/check.js';
import { cudaChecks } from './doctor/cuda-check.js';
import {
  diskChecks,
  gpuCheck,
  nodeCheck,
  processorChecks,
  systemCheck,
} from './doctor/machine-checks.js';
import { cudaRolloutsCheck, onnxCheck, operatorsCheck, webgpuCheck } from './doctor/onnx-check.js';
import { supportCheck } from './doctor/support-check.js';
import { fusedOpsCheck, tensorflowCheck } from './doctor/tensorflow-check.js';
import { graderPythonCheck, sandboxCheck, setupToolChecks } from './doctor/tool-checks.js';

export type { Check, CheckStatus } from './doctor/check.js';

export interface DoctorReport {
  /** False when a needed thing is broken. */
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

/** Uses no network, and makes nothing but the cache folder. */
export async function runDoctor({
  device,
}: {
  readonly device: DeviceChoice;
}): Promise<DoctorReport> {
  const gpu = gpuCheck(device);
  const tensorflow = await tensorflowCheck(device);
  const checks = [
    nodeCheck(process.versions.node),
    systemCheck(),
    supportCheck(),
    ...processorChecks(),
    gpu,
    ...cudaChecks(device),
    ...diskChecks(),
    tensorflow,
    fusedOpsCheck(device),
    await onnxCheck(),
    operatorsCheck(),
    await webgpuCheck(),
    await cudaRolloutsCheck(device),
    ...(await setupToolChecks(tensorflow.status === 'broken')),
    await sandboxCheck(),
    await graderPythonCheck(),
  ];
  return { ok: checks.every(({ status }) => status !== 'broken'), checks };
}

const SIGNS = { ok: 'ok    ', note: 'note  ', broken: 'BROKEN' } as const;

/** The report for people, a line for each check and one for each remedy. */
export function doctorText({ checks }: DoctorReport): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks
    .flatMap(({ name, status, found, remedy }) => [
      `${SIGNS[status]}  ${name.padEnd(width)}  ${found}`,
      ...(remedy === null ? [] : [`${' '.repeat(width + 10)}→ ${remedy}`]),
    ])
    .join('\n');
}
