/** Speed and memory at the shapes of published models, beside TRL on the same device. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from './check.js';
import type { Part } from './parts.js';
import { writeRandomCheckpoint } from './shapes.js';

export interface SpeedRow {
  readonly shape: string;
  readonly what: string;
  readonly ours: Part;
  /** Null where there is no Python to ask. */
  readonly peer: Part | null;
  /** The better of the two is above 1 for us. */
  readonly ratio: number | null;
}

/** Tokens of a prompt of GRPO where there is no peer whose prompts have a length already. */
const PROMPT_TOKENS = 25;

const figure = (part: Part | null, field: string): number | null =>
  typeof part?.result?.[field] === 'number' ? part.result[field] : null;

/** SFT of 8 × 512 tokens with and without checkpointing, and a step of GRPO of 4 × 8 completions of 128. */
export function speed(check: Check, shape: string): SpeedRow[] {
  const model = join(check.output, 'models', shape);
  writeRandomCheckpoint(model, shape);
  const rows = [sft(check, { shape, model }, true), sft(check, { shape, model }, false)];
  rows.push(grpo(check, { shape, model }));
  rmSync(model, { recursive: true });
  return rows;
}

interface Model {
  readonly shape: string;
  readonly model: string;
}

function peerOf({ parts, python, device }: Check, name: string, args: readonly string[]) {
  if (python === null) return null;
  const where = device === 'cpu' ? 'cpu' : 'cuda';
  const [script, ...rest] = args;
  return parts.run(name, python, [`scripts/peers/${script}`, ...rest, `--device=${where}`]);
}

function sft(check: Check, { shape, model }: Model, isCheckpointed: boolean): SpeedRow {
  const what = `SFT, 8 × 512, checkpointing ${isCheckpointed ? 'on' : 'off'}`;
  const ours = check.parts.lorikeet(`${what}, ${shape}`, [
    ...['bench', 'sft', `model=${model}`, `device=${check.device}`, `steps=${check.steps}`],
    `gradient_checkpointing=${isCheckpointed}`,
  ]);
  const peer = peerOf(check, `${what}, ${shape}, TRL`, [
    ...['trl_sft.py', model, `--steps=${check.steps}`],
    ...(isCheckpointed ? [] : ['--no-checkpointing']),
  ]);
  const [mine, theirs] = [figure(ours, 'tokens_per_s'), figure(peer, 'tokens_per_s')];
  const ratio = mine === null || theirs === null ? null : mine / theirs;
  return { shape, what, ours, peer, ratio };
}

/** The peer first: its questions decide how long our prompts are. */
function grpo(check: Check, { shape, model }: Model): SpeedRow {
  const what = 'a step of GRPO, 4 × 8 × 128';
  const peer = peerOf(check, `${what}, ${shape}, TRL`, ['trl_grpo.py', model]);
  const ours = check.parts.lorikeet(`${what}, ${shape}`, [
    ...['bench', 'grpo', `model=${model}`, `device=${check.device}`, `steps=${check.steps}`],
    `rollout_device=${check.rolloutDevice}`,
    `prompt_tokens=${Math.round(figure(peer, 'prompt_tokens') ?? PROMPT_TOKENS)}`,
  ]);
  const [mine, theirs] = [figure(ours, 'step_s'), figure(peer, 'step_s')];
  const ratio = mine === null || theirs === null ? null : theirs / mine;
  return { shape, what, ours, peer, ratio };
}

export interface FitRow {
  readonly shape: string;
  readonly planned_mib: number;
  /** Of the card; on the CPU of the process. */
  readonly measured_mib: number;
}

/** 80 GB, in GiB. */
const CAP_GIB = 74.5;

/** LoRA of rank 64 at 4096 tokens, all layers recomputed: does it keep to the card, and to its plan? */
export function cardFit(check: Check, shape: string): FitRow | null {
  const model = join(check.output, 'models', shape);
  writeRandomCheckpoint(model, shape);
  const part = check.parts.lorikeet(`LoRA of rank 64 at 4096 tokens, ${shape}`, [
    ...['bench', 'sft', `model=${model}`, `device=${check.device}`, 'steps=2', 'seq=4096'],
    ...['batch=1', 'lora_rank=64', 'gradient_checkpointing=true', 'compute_dtype=bfloat16'],
    `memory_limit=${CAP_GIB}`,
  ]);
  rmSync(model, { recursive: true });
  const planned = figure(part, 'planned_mib');
  const measured = check.device === 'cpu' ? figure(part, 'peak_rss_mib') : part.card_mib;
  if (planned === null) return null;
  const row = { shape, planned_mib: planned, measured_mib: measured ?? Number.NaN };
  const isWithin = row.measured_mib <= CAP_GIB * 1024;
  check.parts.check(`memory within 80 GB, ${shape}`, isWithin, row);
  return row;
}
