/** What the check found, for people. */
import { shown, table } from '../measuring.js';
import type { FitRow } from './fit.js';
import type { Part } from './parts.js';
import type { SpeedRow } from './speed.js';

export interface Found {
  readonly machine: string;
  readonly device: string;
  readonly parts: readonly Part[];
  readonly speed: readonly SpeedRow[];
  readonly fit: readonly FitRow[];
}

function speedCells(row: SpeedRow, isCpu: boolean): string[] {
  const { shape, ours, peer, ratio } = row;
  const { what, figure } = row.work;
  const unit = figure === 'step_s' ? 's' : 'tokens/s';
  const side = (part: Part | null) => `${shown(part?.result?.[figure])} ${unit}`;
  const memory = (part: Part | null) => shown(isCpu ? part?.result?.peak_rss_mib : part?.card_mib);
  return [
    ...[shape, what, side(ours), side(peer), shown(ratio)],
    ...[shown(ours.result?.gemm_gflops), shown(ours.result?.utilisation)],
    ...[memory(ours), memory(peer)],
  ];
}

export function page({ machine, device, parts, speed, fit }: Found): string {
  const isCpu = device === 'cpu';
  const where = isCpu ? 'held by the process' : 'reserved of the card';
  const speedHead = ['shape', 'work', 'Lorikeet', 'TRL, bf16', 'ratio', 'GFLOP/s', 'utilisation'];
  const details = parts.map(({ name, ok, seconds, result, error }) => {
    const text = error ?? (result === null ? '' : JSON.stringify(result).slice(0, 300));
    return [name, ok ? 'ok' : 'FAILED', seconds, text];
  });
  return [
    `# GPU check, device=${device}`,
    '',
    machine,
    '',
    '## Speed',
    '',
    'The ratio is above 1 where Lorikeet is faster. GFLOP/s: the rate of products alone in the compute type. Utilisation:',
    `what the products of the model take, over that rate. Memory: the most that was ${where}, MiB.`,
    '',
    ...table(
      [...speedHead, 'memory', "TRL's memory"],
      speed.map((row) => speedCells(row, isCpu)),
    ),
    '',
    '## Memory of LoRA of rank 64 at 4096 tokens, bfloat16, all layers recomputed',
    '',
    ...table(
      ['shape', 'memory_limit, GiB', 'plan, MiB', `most that was ${where}, MiB`],
      fit.map((row) => [row.shape, row.limit_gib, row.planned_mib, shown(row.most_mib)]),
    ),
    '',
    '## Parts',
    '',
    ...table(['part', '', 'seconds', 'result'], details),
    '',
  ].join('\n');
}
