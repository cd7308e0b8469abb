/** Lines of the plan that `--dry-run` prints: what would be read, done and written. */
import type { DatasetConfig, DpoConfig, GrpoConfig, SftConfig } from '../config/index.js';

export function rowsOf(dataset: DatasetConfig, otherwise = 'no rows'): string {
  const source = dataset.path ?? dataset.name;
  if (source === null) return otherwise;
  const count = dataset.num_samples === null ? 'all rows' : `${dataset.num_samples} rows`;
  return dataset.path === null
    ? `${count} of ${source} (${dataset.split})`
    : `${count} of ${source}`;
}

type Trainer = SftConfig | GrpoConfig | DpoConfig;

function trainerLines(config: Trainer, unit: string): string[] {
  const micro = config.per_device_train_batch_size;
  const steps = config.gradient_accumulation_steps;
  const length =
    config.max_steps === null
      ? `${config.num_train_epochs} epochs`
      : `${config.max_steps} optimizer steps`;
  const weights = config.use_lora ? `a LoRA adapter of rank ${config.lora.r}` : 'all weights';
  return [
    `${length}, ${micro * steps} ${unit} per optimizer step (${micro} × ${steps})`,
    `trains ${weights} of ${config.model} on device ${config.device}, ${config.compute_dtype} products`,
    `resume: ${config.resume}; checkpoint every ${config.save_steps} steps`,
  ];
}

function endLines(config: Trainer): string[] {
  const evaluation = config.eval;
  return [
    ...(evaluation === null
      ? []
      : [
          `then evaluates ${evaluation.benchmark}: ${rowsOf(
            evaluation.dataset,
            `${evaluation.dataset.num_samples ?? 'all'} rows of its ${evaluation.dataset.split} split`,
          )}`,
        ]),
    `writes ${config.output_dir ?? `outputs/${config.run_name ?? '<run id>'}`}`,
  ];
}

export function sftPlan(config: SftConfig): string[] {
  return [
    `stage ${config.stage}: ${config.traces_file ?? rowsOf(config.dataset)}`,
    ...trainerLines(config, 'sequences'),
    ...endLines(config),
  ];
}

export function dpoPlan(config: DpoConfig): string[] {
  return [
    `stage ${config.stage}: pairs from ${rowsOf(config.dataset)}`,
    ...trainerLines(config, 'pairs'),
    ...endLines(config),
  ];
}

export function grpoPlan(config: GrpoConfig): string[] {
  const completions = config.per_device_train_batch_size * config.gradient_accumulation_steps;
  const groups = completions / config.num_generations;
  return [
    `stage ${config.stage}: prompts from ${rowsOf(config.dataset)}`,
    `${groups} prompts × ${config.num_generations} completions per optimizer step`,
    `rewards: ${config.rewards.map(({ name, weight }) => `${weight} · ${name}`).join(' + ')}`,
    ...trainerLines(config, 'completions'),
    ...endLines(config),
  ];
}
