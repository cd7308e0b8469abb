/** Speed at the shapes of published models, beside TRL on the same device. */
import { timesBetter } from '../measuring.js';
import type { Check } from './check.js';
import type { Part } from './parts.js';
import { withCheckpoint } from './shapes.js';

/** Field of both results that is compared. */
type Figure = 'tokens_per_s' | 'step_s';

export interface SpeedRow {
  readonly shape: string;
  readonly what: string;
  readonly figure: Figure;
  readonly ours: Part;
  /** Null where there is no Python to ask. */
  readonly peer: Part | null;
  /** Above 1 where Lorikeet is faster. */
  readonly ratio: number | null;
}

const SIZES = { seq: 512, batch: 8, rank: 16, prompts: 4, group: 8, fresh: 128 };

/** Tokens of a prompt of GRPO where there is no peer whose prompts have a length already. */
const PROMPT_TOKENS = 25;

interface Model {
  readonly shape: string;
  readonly model: string;
}

export async function speed(check: Check, shape: string, rows: SpeedRow[]): Promise<void> {
  await withCheckpoint(check.output, shape, async (model) => {
    for (const isCheckpointed of [true, false]) {
      rows.push(await sft(check, { shape, model }, isCheckpointed));
    }
    rows.push(await grpo(check, { shape, model }));
  });
}

async function peerOf(
  { parts, python, device }: Check,
  name: string,
  [script, ...args]: readonly string[],
  figure: Figure,
): Promise<Part | null> {
  if (python === null) return null;
  const command = [python, `scripts/peers/${script}`, ...args, `--device=${device}`];
  return await parts.run(name, command, [figure]);
}

function compared(part: Pick<SpeedRow, 'shape' | 'what' | 'figure' | 'ours' | 'peer'>): SpeedRow {
  const { figure, ours, peer } = part;
  const [mine, theirs] = [ours, peer].map((side) => side?.result?.[figure]);
  if (typeof mine !== 'number' || typeof theirs !== 'number') return { ...part, ratio: null };
  return { ...part, ratio: timesBetter(mine, theirs, figure !== 'step_s') };
}

async function sft(
  check: Check,
  { shape, model }: Model,
  isCheckpointed: boolean,
): Promise<SpeedRow> {
  const { parts, device, steps } = check;
  const { seq, batch, rank } = SIZES;
  const figure = 'tokens_per_s';
  const what = `SFT, ${batch} × ${seq}, checkpointing ${isCheckpointed ? 'on' : 'off'}`;
  const ours = await parts.lorikeet(
    `${what}, ${shape}`,
    [
      ...['bench', 'sft', `model=${model}`, `device=${device}`, `steps=${steps}`],
      ...[`seq=${seq}`, `batch=${batch}`, `lora_rank=${rank}`],
      `gradient_checkpointing=${isCheckpointed}`,
    ],
    [figure],
  );
  const args = [
    ...['trl_sft.py', model, `--steps=${steps}`],
    ...[`--seq=${seq}`, `--batch=${batch}`, `--rank=${rank}`],
    ...(isCheckpointed ? [] : ['--no-checkpointing']),
  ];
  const peer = await peerOf(check, `${what}, ${shape}, TRL`, args, figure);
  return compared({ shape, what, figure, ours, peer });
}

/** Both sides decide themselves about checkpointing. The peer first: its questions say how long prompts are. */
async function grpo(check: Check, { shape, model }: Model): Promise<SpeedRow> {
  const { parts, device, steps } = check;
  const { prompts, group, fresh, rank } = SIZES;
  const figure = 'step_s';
  const what = `a step of GRPO, ${prompts} × ${group} × ${fresh}`;
  const args = [
    ...['trl_grpo.py', model, `--steps=${steps}`],
    ...[`--prompts=${prompts}`, `--group=${group}`, `--new=${fresh}`],
  ];
  const peer = await peerOf(check, `${what}, ${shape}, TRL`, args, figure);
  const length = Number(peer?.result?.prompt_tokens ?? PROMPT_TOKENS);
  const ours = await parts.lorikeet(
    `${what}, ${shape}`,
    [
      ...['bench', 'grpo', `model=${model}`, `device=${device}`, `steps=${steps}`],
      ...[`prompts=${prompts}`, `num_generations=${group}`, `max_completion_length=${fresh}`],
      ...[`lora_rank=${rank}`, `prompt_tokens=${Math.round(length)}`, `rollout_device=${device}`],
    ],
    [figure],
  );
  return compared({ shape, what, figure, ours, peer });
}
