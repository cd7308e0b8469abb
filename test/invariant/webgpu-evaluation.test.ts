/** An evaluation sampled on WebGPU, on a graphics device made of software: the same answers as on the CPU. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { evalSchema, loadConfig } from '../../src/config/index.js';
import { runEval } from '../../src/recipes/eval.js';
import { readJson, readJsonl } from '../../src/util/files.js';
import { logInto } from '../support/context.js';
import { temporaryFolder } from '../support/temporary.js';
import { tinyTraining } from '../support/tiny-training.js';
import { softwareGpu, useSoftwareGpu } from './software-gpu.js';

const driver = softwareGpu();
if (driver === null) {
  process.stderr.write('WebGPU: skipped, no software Vulkan driver (VK_ICD_FILENAMES, chromium)\n');
} else {
  useSoftwareGpu(driver);
}

const dir = temporaryFolder();
const logged: string[] = [];

async function completions(model: string, device: 'cpu' | 'webgpu') {
  const output = join(dir, device);
  const overrides = [
    ...[`model=${model}`, `output_dir=${output}`, `rollout_device=${device}`],
    ...['benchmark=arithmetic', 'dataset.num_samples=4', 'prompt_template={prompt}'],
    ...['max_new_tokens=8', 'threads=1'],
  ];
  await runEval(loadConfig(evalSchema, { overrides }), logInto(logged));
  const { run_id: id } = readJson(join(output, 'run.json')) as { run_id: string };
  const rows = readJsonl(join(output, 'debug', `eval_${id}.jsonl`));
  return rows.map(({ completion }) => completion);
}

it.skipIf(driver === null)(
  'greedy answers are those of the CPU',
  async () => {
    const { base } = await tinyTraining(dir);
    const onCpu = await completions(base, 'cpu');
    expect(onCpu).toHaveLength(4);
    expect(await completions(base, 'webgpu')).toEqual(onCpu);
    expect(logged).toContain('rollouts compute on webgpu in float32');
  },
  240_000,
);
