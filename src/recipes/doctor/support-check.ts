/** What Lorikeet can do on which system; README.md and docs/gpu.md have the same table. */
import { type Check, note, ok } from './check.js';

/**
 * `tested`: continuous integration covers it. `tested in software`: on a graphics device made of software
 * only. `not tested`: the libraries exist, and nobody has tried.
 */
type Degree = 'tested' | 'tested in software' | 'not tested' | 'no';

interface Support {
  readonly train: { readonly cpu: Degree; readonly cuda: Degree };
  readonly sample: { readonly cpu: Degree; readonly webgpu: Degree; readonly cuda: Degree };
}

const NO_TRAINING = { cpu: 'no', cuda: 'no' } as const;
const UNTRIED = { cpu: 'not tested', webgpu: 'not tested', cuda: 'no' } as const;

/** By Node's `platform-arch`. TensorFlow can be set up on Linux, also in WSL 2 or in a container. */
const SUPPORT: Readonly<Record<string, Support>> = {
  'linux-x64': {
    train: { cpu: 'tested', cuda: 'not tested' },
    sample: { cpu: 'tested', webgpu: 'tested in software', cuda: 'not tested' },
  },
  'linux-arm64': {
    train: { cpu: 'not tested', cuda: 'no' },
    sample: { cpu: 'not tested', webgpu: 'no', cuda: 'no' },
  },
  'darwin-arm64': { train: NO_TRAINING, sample: UNTRIED },
  'darwin-x64': { train: NO_TRAINING, sample: { cpu: 'no', webgpu: 'no', cuda: 'no' } },
  'win32-x64': { train: NO_TRAINING, sample: UNTRIED },
  'win32-arm64': { train: NO_TRAINING, sample: UNTRIED },
};

const NAMES = { cpu: 'CPU', cuda: 'CUDA', webgpu: 'WebGPU' } as const;

/** `CPU, CUDA (not tested)`; `nothing` where nothing works. */
function listOf(degrees: Readonly<Partial<Record<keyof typeof NAMES, Degree>>>): string {
  const entries = Object.entries(degrees) as [keyof typeof NAMES, Degree][];
  const parts = entries
    .filter(([, degree]) => degree !== 'no')
    .map(([kind, degree]) => NAMES[kind] + (degree === 'tested' ? '' : ` (${degree})`));
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}

/** The table in Markdown. */
export function supportTable(): string {
  const head = [
    '| system | training: CPU | training: CUDA | rollouts: CPU | rollouts: WebGPU | rollouts: CUDA |',
    '| --- | --- | --- | --- | --- | --- |',
  ];
  const rows = Object.entries(SUPPORT).map(
    ([system, { train, sample }]) =>
      `| ${[system, train.cpu, train.cuda, sample.cpu, sample.webgpu, sample.cuda].join(' | ')} |`,
  );
  return [...head, ...rows].join('\n');
}

export function supportCheck(system = `${process.platform}-${process.arch}`): Check {
  const support = SUPPORT[system];
  if (support === undefined) {
    return note(
      'support',
      `${system} is not known`,
      `Known are ${Object.keys(SUPPORT).join(', ')}`,
    );
  }
  const found = `on ${system}: training on ${listOf(support.train)}; rollouts on ${listOf(support.sample)}`;
  return support.train.cpu === 'no'
    ? note('support', found, 'Train on Linux x64 (also in WSL 2 or a container)')
    : ok('support', found);
}
