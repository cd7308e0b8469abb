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

export function runOf(
  command: 'sft' | 'dpo' | 'grpo' | 'eval' | 'tinker' | 'openai',
  config: TrainerConfig | EvalConfig | TinkerConfig | OpenaiConfig,
  stage = 'stage' in config ? config.stage : null,
): PlannedRun {
  const text = resolvedYaml(config);
  const runId = makeRunId(text);
  const { resume, overwrite, seed } = config;
  return {
    dir: runDir(config, runId),
    options: {
      resume,
      overwrite,
      command,
      stage,
      runId,
      ...(seed !== null && { seeds: { seed } }),
      reads: inputPaths(commandSchemas[command], config),
      config: { text, values: config },
    },
  };
}
