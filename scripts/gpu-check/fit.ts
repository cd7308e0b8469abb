/** Whether a large model keeps to 80 GB, and to what its memory plan says. */
import type { Check } from './check.js';
import { withCheckpoint } from './shapes.js';

export interface FitRow {
  readonly shape: string;
  readonly limit_gib: number;
  readonly planned_mib: number;
  /** Of the card, what was reserved; on the CPU what the process held. */
  readonly most_mib: number | null;
}

/** 80 GB. */
const CAP_GIB = 74.5;

/** Of the plan, which a training should not need more of. */
const MARGIN = 1.15;

/**
 * LoRA of rank 64 at 4096 tokens with all layers recomputed: under 80 GB, then under little more than the plan. That
 * it trains is the proof, as TensorFlow takes no more than `memory_limit`.
 */
export async function fitsCard(check: Check, shape: string, rows: FitRow[]): Promise<void> {
  const { parts, device } = check;
  await withCheckpoint(check.output, shape, async (model) => {
    let limit = CAP_GIB;
    for (const what of ['80 GB', `${MARGIN} of its plan`]) {
      const { ok, result, card_mib } = await parts.lorikeet(
        `LoRA of rank 64 at 4096 tokens within ${what}, ${shape}`,
        [
          ...['bench', 'sft', `model=${model}`, `device=${device}`, 'steps=2', 'seq=4096'],
          ...['batch=1', 'lora_rank=64', 'gradient_checkpointing=true', 'compute_dtype=bfloat16'],
          `memory_limit=${limit}`,
        ],
        { fields: ['planned_mib'] },
      );
      if (!ok) return;
      const planned = Number(result?.planned_mib);
      const held = device === 'cpu' ? Number(result?.peak_rss_mib) : card_mib;
      rows.push({ shape, limit_gib: limit, planned_mib: planned, most_mib: held });
      limit = Number(((MARGIN * planned) / 1024).toFixed(2));
    }
  });
}
