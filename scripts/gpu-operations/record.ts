/**
 * Runs the cases of one compute type in this process and writes what TensorFlow is asked for, a file each, a line for
 * each event. The program is told that it computes on a GPU, so that it asks for what it would ask of one.
 *
 *   ["new", id, type]   values of the host become a tensor
 *   ["op", name, {attribute: number}, [id of each input], [[id, type] of each output]]
 *   ["read", id]        the host reads a tensor
 *
 * Usage: record.ts COMPUTE_TYPE WORD, in the folder of the models; WORD is in the names of the cases that are run.
 */
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runCli } from '../../src/cli/cli.js';
import { bindingModule } from '../../src/tensor/binding/modules.js';
import { messageOf } from '../../src/util/errors.js';
import { CASES } from './cases.js';

interface Binding {
  createTensor(shape: readonly number[], type: number, values: unknown): number;
  executeOp(
    name: string,
    attrs: readonly { readonly name: string; readonly value: unknown }[],
    inputs: readonly number[],
    outputs: number,
  ): readonly { readonly id: number; readonly dtype: number }[];
  tensorDataSync(id: number): unknown;
  isUsingGpuDevice(): boolean;
}

let lines: string[] = [];
const note = (...event: unknown[]) => lines.push(JSON.stringify(event));

/** The same binding, which notes what it is asked for. */
function watched(binding: Binding): Binding {
  const { createTensor, executeOp, tensorDataSync } = binding;
  const own: Binding = {
    isUsingGpuDevice: () => true,
    createTensor(shape, type, values) {
      const id = createTensor.call(binding, shape, type, values);
      note('new', id, type);
      return id;
    },
    executeOp(name, attrs, inputs, outputs) {
      const made = executeOp.call(binding, name, attrs, inputs, outputs);
      const numbers = attrs.filter(({ value }) => typeof value === 'number');
      const values = Object.fromEntries(numbers.map((each) => [each.name, each.value]));
      const results = made.map(({ id, dtype }) => [id, dtype]);
      note('op', name, values, inputs, results);
      return made;
    },
    tensorDataSync(id) {
      note('read', id);
      return tensorDataSync.call(binding, id);
    },
  };
  return Object.create(binding, Object.getOwnPropertyDescriptors(own));
}

const open = process.dlopen;
process.dlopen = (module, file, ...flags) => {
  open(module, file, ...flags);
  const loaded = module as { exports: Binding };
  if (basename(file) === bindingModule().file) loaded.exports = watched(loaded.exports);
};

/** @throws Error with what it printed */
async function lorikeet(words: readonly string[]): Promise<void> {
  const printed: string[] = [];
  const code = await runCli(words, {
    ...{ env: process.env, signal: new AbortController().signal, colours: false, columns: 80 },
    out: () => undefined,
    err: (line) => void printed.push(line),
  });
  if (code !== 0) throw new Error(`lorikeet ${words.join(' ')}: ${printed.at(-1)}`);
}

const [compute, only = ''] = process.argv.slice(2);
for (const { name, model, compute: own, words } of CASES) {
  if (own !== compute || !name.includes(only)) continue;
  for (const [which, steps] of Object.entries({ shorter: 2, longer: 3 })) {
    lines = [];
    try {
      await lorikeet([...words(steps), `model=${model}`, `compute_dtype=${compute}`]);
      writeFileSync(join('traces', `${name}.${which}.jsonl`), `${lines.join('\n')}\n`);
    } catch (error) {
      console.error(`${name}: ${messageOf(error)}`);
      process.exitCode = 1;
    }
  }
}
