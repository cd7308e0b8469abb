/** Files that a command writes beside its output, and unless it is told otherwise under its name. */
import type { CommandName } from '../../config/index.js';

interface OutputPlace {
  readonly output: string;
  readonly bandit_file: string | null;
}

export const statsFile = ({ output }: Pick<OutputPlace, 'output'>): string =>
  `${output}.stats.json`;

export const banditFile = ({ output, bandit_file: file }: OutputPlace): string =>
  file ?? `${output}.bandit.json`;

const COMPANIONS: Partial<Record<CommandName, (config: OutputPlace) => string[]>> = {
  pairs: (config) => [statsFile(config)],
  rollouts: (config) => [statsFile(config), banditFile(config)],
};

/** @param config Resolved, of that command */
export const companionsOf = (
  command: CommandName,
  config: Readonly<Record<string, unknown>>,
): string[] => COMPANIONS[command]?.(config as unknown as OutputPlace) ?? [];
