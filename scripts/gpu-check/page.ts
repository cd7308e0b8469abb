/** What the check found, for people. */
import type { Part } from './parts.js';
import type { FitRow, SpeedRow } from './speed.js';

export interface Found {
  readonly machine: string;
  readonly device: string;
  readonly parts: readonly Part[];
  readonly speed: readonly SpeedRow[];
  readonly fit: FitRow | null;
}

const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);

const shown = (value: unknown): string | number =>
  typeof value === 'number' && Number.isFinite(value) ? Number(value.toPrecision(4)) : '–';

function speedCells({ shape, what, ours, peer, ratio }: SpeedRow): (string | number)[] {
  const field = what.startsWith('SFT') ? 'tokens_per_s' : 'step_s';
  const unit = field === 'step_s' ? 's' : 'tokens/s';
  const side = (part: Part | null) => `${shown(part?.result?.[field])} ${unit}`;
  const memory = (part: Part | null) => shown(part?.card_mib ?? part?.result?.peak_rss_mib);
  return [
    ...[shape, what, side(ours), side(peer), shown(ratio)],
    ...[shown(ours.result?.utilisation), memory(ours), memory(peer)],
  ];
}

export function page({ machine, device, parts, speed, fit }: Found): string {
  const memory = device === 'cpu' ? 'of the process' : 'of the card';
  const speedHead = ['shape', 'work', 'Lorikeet', 'TRL, bf16', 'ratio', 'utilisation'];
  const details = parts.map(({ name, ok, seconds, result, error }) => {
    const text = error ?? (result === null ? '' : JSON.stringify(result).slice(0, 300));
    return [name, ok ? 'ok' : 'FAILED', seconds, text.replaceAll('|', '\\|')];
  });
  return [
    `# GPU check, device=${device}`,
    '',
    machine,
    '',
    '## Speed',
    '',
    'Utilisation is what the model asks for, over the rate of matrix products alone in the same type. Memory is the',
    `most in use ${memory}, MiB.`,
    '',
    ...table([...speedHead, 'memory', "TRL's memory"], speed.map(speedCells)),
    '',
    '## Memory of LoRA of rank 64 at 4096 tokens, bfloat16, all layers recomputed',
    '',
    ...table(
      ['shape', 'plan, MiB', `most in use ${memory}, MiB`],
      fit === null ? [] : [[fit.shape, fit.planned_mib, shown(fit.measured_mib)]],
    ),
    '',
    '## Parts',
    '',
    ...table(['part', '', 'seconds', 'result'], details),
    '',
  ].join('\n');
}
