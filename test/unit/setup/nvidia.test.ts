/** What nvidia-smi is asked of a card and of a part of one (MIG), by a program that prints what it would. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cardMemory, describeCard, nvidiaGpu } from '../../../src/setup/index.js';
import { listedCard, parseNvidiaSmi } from '../../../src/setup/nvidia.js';
import { nodeProgram } from '../../support/programs.js';
import { temporaryFolder } from '../../support/temporary.js';

const LISTING = `GPU 0: Tesla T4 (UUID: GPU-11112222-aaaa)
GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-c08d91cb-e324)
  MIG 3g.40gb     Device  0: (UUID: MIG-c78853ff-6b07)
  MIG 1g.10gb     Device  1: (UUID: MIG-405bbdae-535f)
GPU 2: NVIDIA H100 80GB HBM3 (UUID: GPU-77778888-bbbb)
`;

const part = (index: number, total: number, used: number) => `
    <mig_device>
      <index>${index}</index>
      <gpu_instance_id>${index + 1}</gpu_instance_id>
      <fb_memory_usage>
        <total>${total} MiB</total>
        <reserved>0 MiB</reserved>
        <used>${used} MiB</used>
        <free>${total - used} MiB</free>
      </fb_memory_usage>
      <bar1_memory_usage>
        <total>65535 MiB</total>
        <used>1 MiB</used>
        <free>65534 MiB</free>
      </bar1_memory_usage>
    </mig_device>`;
const XML = `<nvidia_smi_log><gpu id="1"><fb_memory_usage><total>81559 MiB</total></fb_memory_usage>
  <mig_devices>${part(0, 40448, 37)}${part(1, 9856, 0)}</mig_devices></gpu></nvidia_smi_log>`;

const bin = temporaryFolder();
nodeProgram(
  join(bin, 'nvidia-smi'),
  `const [first, second] = process.argv.slice(2);
if (first === '-L') process.stdout.write(${JSON.stringify(LISTING)});
else if (second === '-q') process.stdout.write(first === '--id=1' ? ${JSON.stringify(XML)} : '');
else if (second === '--query-gpu=memory.total') console.log('15360');
else if (second === '--query-gpu=memory.used') console.log(first === '--id=0' ? '0' : '[N/A]');
else console.log(first === '--id=0' ? 'Tesla T4, 550.54, 7.5' : 'NVIDIA H100 80GB HBM3, 550.54, 9.0');
`,
);
const env = { PATH: bin };
const MIB = 2 ** 20;

it.each([
  ['0', { id: '0', part: null }],
  ['2', { id: '2', part: null }],
  ['GPU-7777', { id: '2', part: null }],
  ['MIG-405bbdae-535f', { id: '1', part: 1 }],
  // CUDA takes the first part where the card itself is named.
  ['1', { id: '1', part: 0 }],
  ['GPU-c08d91cb-e324', { id: '1', part: 0 }],
  ['MIG-unknown', null],
])('%s is listed as %o', (card, listed) => {
  expect(listedCard(LISTING, card)).toEqual(listed);
});

it('memory is that of the whole card, or of the part', () => {
  expect(cardMemory('0', 'total', env)).toBe(15360 * MIB);
  expect(cardMemory('0', 'used', env)).toBe(0);
  expect(cardMemory('MIG-c78853ff-6b07', 'total', env)).toBe(40448 * MIB);
  expect(cardMemory('MIG-c78853ff-6b07', 'free', env)).toBe(40411 * MIB);
  expect(cardMemory('MIG-405bbdae-535f', 'used', env)).toBe(0);
});

it('says nothing where nvidia-smi gives no number, or is not there', () => {
  expect(cardMemory('2', 'used', env)).toBeNull();
  expect(cardMemory('0', 'total', { PATH: '' })).toBeNull();
  expect(nvidiaGpu('0', { PATH: '' })).toBeNull();
});

it('describes a part by its card and its own memory', () => {
  expect(describeCard('MIG-405bbdae-535f', env)).toBe(
    'NVIDIA H100 80GB HBM3, 10.3 GB, driver 550.54, compute capability 9.0',
  );
});

it("nvidia-smi's rows become GPUs; its messages do not", () => {
  expect(parseNvidiaSmi('NVIDIA H200, 570.86.15, 9.0\nTesla T4, 525.60, 7.5\n')).toEqual([
    { name: 'NVIDIA H200', driver: '570.86.15', capability: '9.0' },
    { name: 'Tesla T4', driver: '525.60', capability: '7.5' },
  ]);
  expect(parseNvidiaSmi('No devices were found\n')).toEqual([]);
});
