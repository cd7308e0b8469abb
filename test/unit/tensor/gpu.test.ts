/** Which cards a process sees, which one it takes, and that a missing one is said before anything is loaded. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { pickCard, visibleCards } from '../../../src/tensor/gpu.js';
import { configureTensorflow, deviceInfo } from '../../../src/tensor/index.js';
import { call } from '../../support/call.js';
import { loadedLibraries } from '../../support/loaded-libraries.js';
import { temporaryFolder } from '../../support/temporary.js';

const dev = temporaryFolder();
for (const name of ['nvidia10', 'nvidia0', 'nvidia2', 'nvidiactl', 'null']) {
  writeFileSync(join(dev, name), '');
}

describe('visibleCards', () => {
  it('are as many as there are device files, by place: a container has those it was given', () => {
    expect(visibleCards({}, dev)).toEqual(['0', '1', '2']);
    expect(visibleCards({}, join(dev, 'none'))).toEqual([]);
  });

  it('are those that CUDA_VISIBLE_DEVICES leaves, up to the first that is none', () => {
    const seen = (CUDA_VISIBLE_DEVICES: string) => visibleCards({ CUDA_VISIBLE_DEVICES }, dev);
    expect(seen('2, 0')).toEqual(['2', '0']);
    expect(seen('1,-1,0')).toEqual(['1']);
    expect(seen('GPU-3f1a')).toEqual(['GPU-3f1a']);
    expect(seen('')).toEqual([]);
  });
});

describe('pickCard', () => {
  it('takes the first card, or the one that is asked for', () => {
    expect(pickCard('cuda', ['3', '5'])).toBe('3');
    expect(pickCard('cuda:1', ['3', '5'])).toBe('5');
  });

  it('names the cards there are when the one asked for is not', () => {
    expect(() => pickCard('cuda:2', ['3', '5'])).toThrow(
      'device=cuda:2: this process sees 2 NVIDIA GPUs. Use cuda:0, cuda:1, or show more',
    );
    expect(() => pickCard('cuda', [])).toThrow(/no NVIDIA GPU is visible/);
  });
});

const isTensorflowLoaded = () => loadedLibraries().some((path) => path.includes('libtensorflow'));

describe('device=cuda without a GPU', () => {
  it('is refused when it is asked for, before TensorFlow is loaded', async () => {
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '-1');
    expect(() => configureTensorflow({ device: 'cuda' })).toThrow(/no NVIDIA GPU is visible/);
    const { code, out, err } = await call(['setup', 'device=cuda']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('no NVIDIA GPU is visible to this process (CUDA_VISIBLE_DEVICES="-1")');
    expect(err).toContain('use device=cpu');
    expect(isTensorflowLoaded()).toBe(false);
  });

  it.each(['sft', 'dpo', 'grpo'])('%s ends with 2 before it looks for its model', async (name) => {
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '');
    const { code, err } = await call([
      name,
      'model=/no/model',
      'dataset=/no/rows',
      'device=cuda:0',
    ]);
    expect(code).toBe(2);
    expect(err).toMatch(/^error: device=cuda: no NVIDIA GPU is visible .* use device=cpu$/);
    expect(isTensorflowLoaded()).toBe(false);
  });

  it.each(['generate', 'eval', 'traces', 'solve', 'score', 'serve'])(
    '%s refuses rollout_device=cuda before it looks for its model',
    async (name) => {
      vi.stubEnv('CUDA_VISIBLE_DEVICES', '');
      const own: Record<string, string[]> = {
        generate: ['prompt=Hi'],
        traces: ['dataset=/no/rows'],
        solve: ['problem=1+1'],
        score: ['input=/no/rows', 'engine=onnxruntime'],
      };
      const words = [name, 'model=/no/model', 'rollout_device=cuda', ...(own[name] ?? [])];
      const { code, err } = await call(words);
      expect(err).toMatch(/^error: rollout_device=cuda: no NVIDIA GPU is visible/);
      expect(code).toBe(2);
    },
  );

  it('generate and eval say that they do not use one; a device that is none is refused', async () => {
    for (const name of ['generate', 'eval']) {
      const words = [name, 'model=/no/model', 'input=/no/rows', 'output=/no/out', 'device=cuda'];
      const own = name === 'eval' ? words.filter((word) => !/^(in|out)put/.test(word)) : words;
      expect((await call(own)).err).toMatch(/which is not used here.*rollout_device/s);
    }
    expect((await call(['sft', 'model=m', 'dataset=d', 'device=gpu'])).err).toMatch(
      /expected auto, cpu, cuda or cuda:N/,
    );
  });

  it('would have been seen to load TensorFlow', () => {
    configureTensorflow({ device: 'cpu' });
    expect(deviceInfo().device).toBe('cpu');
    expect(isTensorflowLoaded()).toBe(true);
  });
});
