/** An evaluation sampled on WebGPU, on a graphics device made of software: the same answers as on the CPU. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { evalSchema, loadConfig } from '../../src/config/index.js';
import { runEval } from '../../src/recipes/eval.js';
import { readJsonl } from '../../src/util/files.js';
import { logInto } from '../support/context.js';
import { evaluationFile } from '../support/evaluation-file.js';
import { temporaryFolder } from '../support/temporary.js';
import { tinyTraining } from '../support/tiny-training.js';
import { useSoftwareGpu } from './software-gpu.js';

const hasGpu = useSoftwareGpu();

const dir = temporaryFolder();
const { base } = tinyTraining(dir);
const logged: string[] = [];

async function completions(model: string, device: 'cpu' | 'webgpu') {
  const output = join(dir, device);
  const overrides = [
    ...[`model=${model}`, `output_dir=${output}`, `rollout_device=${device}`],
    ...['benchmark=arithmetic', 'dataset.num_samples=4', 'prompt_template={prompt}'],
    ...['max_new_tokens=8', 'threads=1'],
  ];
  await runEval(loadConfig(evalSchema, { overrides }), logInto(logged));
  return readJsonl(evaluationFile(output)).map(({ completion }) => completion);
}

it.skipIf(!hasGpu)(
  'greedy answers are those of the CPU',
  async () => {
    const onCpu = await completions(base, 'cpu');
    expect(onCpu).toHaveLength(4);
    expect(await completions(base, 'webgpu')).toEqual(onCpu);
    expect(logged).toContain('rollouts compute on webgpu in float32');
  },
  240_000,
);
