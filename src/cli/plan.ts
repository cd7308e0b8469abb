/** Lines of the plan that `--dry-run` prints: what would be read, done and written. */
import {
  type DatasetConfig,
  DEFAULT_BENCHMARK,
  type DpoConfig,
  type GrpoConfig,
  runDir,
  type SftConfig,
  takesAnswers,
} from '../config/index.js';
import type { TrainingSize } from '../recipes/memory/training-size.js';
import { counted } from '../util/counted.js';

const countOf = ({ num_samples: count }: DatasetConfig): string =>
  count === null ? 'all rows' : counted(count, 'row');

export function rowsOf(dataset: DatasetConfig, otherwise = 'no rows'): string {
  const source = dataset.path ?? dataset.name;
  if (source === null) return otherwise;
  return `${countOf(dataset)} of ${source}${dataset.path === null ? ` (${dataset.split})` : ''}`;
}

type Trainer = SftConfig | GrpoConfig | DpoConfig;

function trainerLines(config: Trainer, unit: string): string[] {
  const micro = config.per_device_train_batch_size;
  const steps = config.gradient_accumulation_steps;
  const length =
    config.max_steps === null
      ? counted(config.num_train_epochs, 'epoch')
      : counted(config.max_steps, 'optimizer step');
  const weights = config.use_lora ? `a LoRA adapter of rank ${config.lora.r}` : 'all weights';
  return [
    `${length}, ${counted(micro * steps, unit)} per optimizer step (${micro} × ${steps})`,
    `trains ${weights} of ${config.model} on device ${config.device}, ${config.compute_dtype} products`,
    `resume: ${config.resume}; checkpoint every ${counted(config.save_steps, 'step')}`,
  ];
}

function evaluatedRows(config: Trainer): string {
  const { dataset } = config.eval!;
  if ('eval_samples' in config && config.eval_samples !== null) {
    return `${counted(config.eval_samples, 'held-out row')} of dataset`;
  }
  const own = `${countOf(dataset)} of its ${dataset.split} split`;
  return rowsOf(dataset, own);
}

/** What all trainers do after they have read their rows. @param unit What a step counts, one of it */
async function ownLines<C extends Trainer>(
  config: C,
  unit: string,
  size: TrainingSize<C>,
): Promise<string[]> {
  const { memoryPreview } = await import('../recipes/memory/preview.js');
  const { eval: evaluation } = config;
  const name = evaluation?.benchmark ?? DEFAULT_BENCHMARK;
  return [
    ...trainerLines(config, unit),
    ...(await memoryPreview(size, config)),
    ...(evaluation === null ? [] : [`then evaluates ${name}: ${evaluatedRows(config)}`]),
    `writes ${runDir(config)}`,
  ];
}

export async function sftPlan(config: SftConfig): Promise<string[]> {
  const { sftSize } = await import('../recipes/sft/memory.js');
  return [
    `stage ${config.stage}: ${config.traces_file ?? rowsOf(config.dataset)}`,
    ...(await ownLines(config, 'sequence', sftSize)),
  ];
}

export async function dpoPlan(config: DpoConfig): Promise<string[]> {
  const { dpoSize } = await import('../recipes/dpo/memory.js');
  const unit = takesAnswers(config) ? 'answer' : 'pair';
  return [
    `stage ${config.stage}: ${unit}s from ${rowsOf(config.dataset)}`,
    ...(await ownLines(config, unit, dpoSize)),
  ];
}

export async function grpoPlan(config: GrpoConfig): Promise<string[]> {
  const { grpoSize } = await import('../recipes/grpo/memory.js');
  const completions = config.per_device_train_batch_size * config.gradient_accumulation_steps;
  const groups = completions / config.num_generations;
  return [
    `stage ${config.stage}: prompts from ${rowsOf(config.dataset)}`,
    `${counted(groups, 'prompt')} × ${counted(config.num_generations, 'completion')} per optimizer step`,
    `rewards: ${config.rewards.map(({ name, weight }) => `${weight} · ${name}`).join(' + ')}`,
    ...(await ownLines(config, 'completion', grpoSize)),
  ];
}
