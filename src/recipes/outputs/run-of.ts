/** Config of a command that keeps a run folder → where the run lies, and what its record says of the call. */
import {
  commandSchemas,
  type EvalConfig,
  inputPaths,
  resolvedYaml,
  runDir,
  type TinkerConfig,
} from '../../config/index.js';
import { makeRunId, type OpenRunOptions } from '../../report/index.js';
import type { TrainerConfig } from '../training/trainer-config.js';

export interface PlannedRun {
  readonly dir: string;
  readonly options: OpenRunOptions;
}

export function runOf(
  command: 'sft' | 'dpo' | 'grpo' | 'eval' | 'tinker',
  config: TrainerConfig | EvalConfig | TinkerConfig,
  stage = config.stage,
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
      seeds: { seed },
      reads: inputPaths(commandSchemas[command], config),
      config: { text, values: config },
    },
  };
}
