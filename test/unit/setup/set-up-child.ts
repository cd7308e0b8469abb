/** Runs set-up in a process of its own, printing what it says. Usage: set-up-child.ts PACKAGE_DIR */
import { setUpTensorflow } from '../../../src/setup/index.js';

const say = (line: string) => void process.stdout.write(`${line}\n`);
const observer = { log: say, progress: () => {}, stepDone: () => {} };
const packageDir = process.argv[2] ?? '';
const { outcome } = await setUpTensorflow({ device: 'cpu', force: false, observer, packageDir });
say(`outcome ${outcome}`);
