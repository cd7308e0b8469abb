/** A pipeline in a temporary folder, and a launcher that writes each stage's output and counts. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import type { RecipeContext } from '../../../../src/recipes/context.js';
import type { StageLauncher, StageOutcome } from '../../../../src/recipes/pipeline/launch.js';
import { logInto } from '../../../support/context.js';
import { temporaryFolder } from '../../../support/temporary.js';

export interface Launched {
  readonly command: string;
  readonly config: Record<string, unknown>;
}

export interface Fixture {
  readonly folder: string;
  readonly file: string;
  readonly write: (name: string, text: string) => string;
  readonly launched: Launched[];
  readonly launch: StageLauncher;
  readonly logs: string[];
  readonly context: RecipeContext;
  readonly controller: AbortController;
}

export type Outcomes = (launched: Launched) => Partial<StageOutcome>;

/** `outcomes` says how a stage ends; unless it says otherwise it ends well, with its output written. */
export function pipelineFixture(yaml: string, outcomes: Outcomes = () => ({})): Fixture {
  const folder = temporaryFolder();
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  };
  const launched: Launched[] = [];
  const launch: StageLauncher = async ({ command, configFile }) => {
    const config = parse(readFileSync(configFile, 'utf8')) as Record<string, unknown>;
    launched.push({ command, config });
    const output = (config.output_dir ?? config.output) as string | null | undefined;
    const outcome = { exitCode: 0, result: { accuracy: 0.5 }, ...outcomes({ command, config }) };
    if (outcome.exitCode === 0 && typeof output === 'string' && !existsSync(output)) {
      mkdirSync(dirname(output), { recursive: true });
      writeFileSync(output, '');
    }
    return outcome;
  };
  const logs: string[] = [];
  const controller = new AbortController();
  const context = { ...logInto(logs), signal: controller.signal };
  const file = write('pipeline.yaml', yaml.replaceAll('FOLDER', folder));
  return { folder, file, write, launched, launch, logs, context, controller };
}
