/** How much of a card's memory is in use while a program runs, as nvidia-smi sees it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PERIOD_MS = 200;

const query = (card: string) => [
  `--id=${card}`,
  '--query-gpu=memory.used',
  '--format=csv,noheader,nounits',
];

/** Begins to watch when it is made. The readings go to a file, as the caller waits for a program meanwhile. */
export class CardWatch {
  private readonly dir = mkdtempSync(join(tmpdir(), 'lorikeet-card-'));
  private readonly before: number;
  private readonly child: ChildProcess;

  constructor(card: string) {
    this.before = Number(spawnSync('nvidia-smi', query(card), { encoding: 'utf8' }).stdout);
    const file = openSync(join(this.dir, 'used'), 'w');
    const args = [...query(card), `--loop-ms=${PERIOD_MS}`];
    this.child = spawn('nvidia-smi', args, { stdio: ['ignore', file, 'ignore'] });
    this.child.on('error', () => undefined);
    closeSync(file);
  }

  /** @returns MiB above what was in use before; null where nvidia-smi gave no number. */
  stop(): number | null {
    this.child.kill();
    const readings = readFileSync(join(this.dir, 'used'), 'utf8').trim().split('\n').map(Number);
    rmSync(this.dir, { recursive: true });
    const most = Math.max(...readings.filter((mib) => mib > 0));
    return Number.isFinite(most - this.before) ? most - this.before : null;
  }
}
