/** Config of a command that keeps a run folder → where the run lies, and what its record says of the call. */
import {
  commandSchemas,
  type EvalConfig,
  inputPaths,
  type OpenaiConfig,
  resolvedYaml,
  runDir,
  type TinkerConfig,
} from '../../config/index.js';
import { makeRunId, type OpenRunOptions } from '../../report/index.js';
import type { TrainerConfig } from '../training/trainer-config.js';

interface PlannedRun {
  readonly dir: string;
  readonly options: OpenRunOptions;
}

/** For the beginning of a command: the run counts from now on. */
export function runOf(
  command: 'sft' | 'dpo' | 'grpo' | 'eval' | 'tinker' | 'openai',
  config: TrainerConfig | EvalConfig | TinkerConfig | OpenaiConfig,
  stage = 'stage' in config ? config.stage : null,
): PlannedRun {
  const text = resolvedYaml(config);
  const now = new Date();
  const runId = makeRunId(text, now);
  const { resume, overwrite, seed } = config;
  return {
    dir: runDir(config, runId),
    options: {
      resume,
      overwrite,
      command,
      stage,
      runId,
      now,
      ...(seed !== null && { seeds: { seed } }),
      reads: inputPaths(commandSchemas[command], config),
      config: { text, values: config },
    },
  };
}
