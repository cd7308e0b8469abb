/** What Lorikeet can do on which system; docs/gpu.md has the same table. */
import { type Check, note, ok } from './check.js';

interface Support {
  readonly train: string;
  readonly sample: string;
}

/** By Node's `platform-arch`. `not tested`: the libraries exist, and nobody has tried. */
export const SUPPORT: Readonly<Record<string, Support>> = {
  'linux-x64': { train: 'CPU; NVIDIA GPU (not tested)', sample: 'CPU' },
  'linux-arm64': { train: 'CPU (not tested)', sample: 'CPU (not tested)' },
  'darwin-arm64': { train: 'no; Linux in a container', sample: 'CPU (not tested)' },
  'darwin-x64': { train: 'no; Linux in a container', sample: 'no' },
  'win32-x64': { train: 'no; Linux in WSL 2', sample: 'CPU (not tested)' },
  'win32-arm64': { train: 'no; Linux in WSL 2', sample: 'CPU (not tested)' },
};

export function supportCheck(system = `${process.platform}-${process.arch}`): Check {
  const support = SUPPORT[system];
  if (support === undefined) {
    return note(
      'support',
      `${system} is not known`,
      `Known are ${Object.keys(SUPPORT).join(', ')}`,
    );
  }
  const found = `on ${system}: training on ${support.train}; rollouts on ${support.sample}`;
  return support.train.startsWith('no')
    ? note('support', found, 'Train on Linux x64 (also in WSL 2 or a container)')
    : ok('support', found);
}
