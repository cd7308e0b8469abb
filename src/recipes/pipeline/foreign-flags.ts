/**
 * Flags of training scripts on a pipeline: the base model and the output folder at the file's own places,
 * the keys of the one stage that is picked, and the file's variables. Each is said in a line.
 */
import {
  type CommandName,
  commandSchemas,
  isForeignName,
  ownPath,
  pipelineSchema,
  type YamlFile,
} from '../../config/index.js';
import { InputError } from '../../util/errors.js';

interface Flags {
  readonly yaml: YamlFile;
  readonly note: (line: string) => void;
}

interface PickedStage {
  readonly name: string;
  readonly command: CommandName;
}

const PIPELINE_KEYS = new Set([...Object.keys(pipelineSchema.shape), 'grid', 'shared']);

/** The overrides by the file's own names. @throws InputError where the file has no place for one */
export function ownOverrides(overrides: readonly string[], { yaml, note }: Flags): string[] {
  const stage = pickedStage(overrides, yaml);
  return overrides.map((override) => {
    const [key = ''] = override.split('=');
    if (PIPELINE_KEYS.has(key.split('.')[0] as string)) return override;
    const own = ownKey(key, { yaml, stage });
    if (own === null) return override;
    const value = override.slice(key.length + 1);
    note(`command line: ${key}=${value} is read as ${own}=${value}`);
    return `${own}=${value}`;
  });
}

/** The stage that `stage=NAME` picks by its own name or as the only one of a part; null: none, or several. */
function pickedStage(overrides: readonly string[], yaml: YamlFile): PickedStage | null {
  const written = overrides.findLast((word) => word.startsWith('stage='))?.slice('stage='.length);
  const part = written ?? yaml.value.stage;
  const stages = Array.isArray(yaml.value.stages) ? yaml.value.stages : [];
  const picked = stages.filter(
    (stage) => part !== undefined && (stage?.name === part || stage?.part === part),
  );
  const [only] = picked;
  return picked.length === 1 && Object.hasOwn(commandSchemas, only?.command) ? only : null;
}

function ownKey(
  key: string,
  { yaml, stage }: { readonly yaml: YamlFile; readonly stage: PickedStage | null },
): string | null {
  const usual = ownPath(commandSchemas.sft, key)?.join('.');
  if (usual === 'output_dir') return 'root';
  if (stage !== null && takes(stage, key)) return `stages.${stage.name}.${key}`;
  if (usual === 'model') return modelOf(key, yaml);
  return hasVariable(yaml, key.split('.')[0] as string) ? `vars.${key}` : null;
}

const hasVariable = ({ value }: YamlFile, name: string): boolean =>
  Object.hasOwn((value.vars as object | undefined) ?? {}, name);

/** Names of other tools too, also those that are refused: the stage says why. */
function takes({ command }: PickedStage, key: string): boolean {
  const [first = ''] = key.split('.');
  return ownPath(commandSchemas[command], first) !== undefined || isForeignName(first);
}

function modelOf(key: string, yaml: YamlFile): string {
  if (hasVariable(yaml, 'model')) return 'vars.model';
  throw new InputError({
    where: `command line: ${key}`,
    problem: `${yaml.path} has no vars.model`,
    remedy: 'Use stages.NAME.model=…, or pick one stage by stage=NAME',
  });
}
