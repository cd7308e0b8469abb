/** Speed at the shapes of published models, and what TRL takes for the same on the same device. */
import { timesBetter } from '../measuring.js';
import type { Check } from './check.js';
import type { Part } from './parts.js';
import { questionTokens, withCheckpoint } from './shapes.js';

/** Field of both results that is compared. */
type Figure = 'tokens_per_s' | 'step_s';

interface Work {
  readonly what: string;
  readonly figure: Figure;
  /** Words of `lorikeet bench` beside the model, the device and the steps. */
  readonly ours: readonly string[];
  /** Script of the peer and its words beside those. */
  readonly peer: readonly string[];
}

export interface SpeedRow {
  readonly shape: string;
  readonly work: Work;
  readonly ours: Part;
  /** Null where there is no Python to ask. */
  readonly peer: Part | null;
  /** Above 1 where Lorikeet is faster. */
  readonly ratio: number | null;
}

const SIZES = { seq: 512, batch: 8, rank: 16, prompts: 4, group: 8, fresh: 128 };

function sft(isCheckpointed: boolean): Work {
  const { seq, batch, rank } = SIZES;
  return {
    what: `SFT, ${batch} × ${seq}, checkpointing ${isCheckpointed ? 'on' : 'off'}`,
    figure: 'tokens_per_s',
    ours: [
      ...['sft', `seq=${seq}`, `batch=${batch}`, `lora_rank=${rank}`],
      `gradient_checkpointing=${isCheckpointed}`,
    ],
    peer: [
      ...['trl_sft.py', `--seq=${seq}`, `--batch=${batch}`, `--rank=${rank}`],
      ...(isCheckpointed ? [] : ['--no-checkpointing']),
    ],
  };
}

/** Both sides decide themselves about checkpointing. @param promptTokens As the peer's questions have */
function grpo(promptTokens: number, device: string): Work {
  const { prompts, group, fresh, rank } = SIZES;
  return {
    what: `a step of GRPO, ${prompts} × ${group} × ${fresh}`,
    figure: 'step_s',
    ours: [
      ...['grpo', `prompts=${prompts}`, `num_generations=${group}`, `lora_rank=${rank}`],
      ...[`max_completion_length=${fresh}`, `prompt_tokens=${promptTokens}`],
      `rollout_device=${device}`,
    ],
    peer: ['trl_grpo.py', `--prompts=${prompts}`, `--group=${group}`, `--new=${fresh}`],
  };
}

/** Adds a row for each work. */
export async function speed(check: Check, shape: string, rows: SpeedRow[]): Promise<void> {
  const { parts, device, steps } = check;
  await withCheckpoint(check.output, shape, async (model) => {
    const works = [sft(true), grpo(await questionTokens(model), device), sft(false)];
    for (const work of works) {
      const words = [`model=${model}`, `device=${device}`, `steps=${steps}`];
      const fields = [work.figure];
      const command = ['bench', ...work.ours, ...words];
      const ours = await parts.lorikeet(`${work.what}, ${shape}`, command, { fields });
      rows.push({ shape, work, ours, peer: null, ratio: null });
    }
  });
}

/** Fills in the peer's side of the rows of a shape. @param python With the peers */
export async function peerSpeed(
  check: Check,
  { shape, python }: { readonly shape: string; readonly python: string },
  rows: SpeedRow[],
): Promise<void> {
  const { parts, device, steps } = check;
  await withCheckpoint(check.output, shape, async (model) => {
    for (const [i, row] of rows.entries()) {
      if (row.shape !== shape) continue;
      const { what, figure, peer: words } = row.work;
      const [script, ...sizes] = words;
      const common = [`--steps=${steps}`, `--device=${device}`];
      const command = [python, `scripts/peers/${script}`, model, ...sizes, ...common];
      const peer = await parts.run(`${what}, ${shape}, TRL`, command, { fields: [figure] });
      rows[i] = { ...row, peer, ratio: ratioOf(row.ours, peer, figure) };
    }
  });
}

function ratioOf(ours: Part, peer: Part, figure: Figure): number | null {
  const [mine, theirs] = [ours, peer].map(({ result }) => result?.[figure]);
  if (typeof mine !== 'number' || typeof theirs !== 'number') return null;
  return timesBetter(mine, theirs, figure !== 'step_s');
}
