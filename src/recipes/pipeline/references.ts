/** What a stage may refer to: `stages.NAME.key`, `grid.NAME`, and what the file's head knows. */
import {
  type CommandName,
  type ConfigSchema,
  commandSchemas,
  keyDocs,
  type Lookup,
} from '../../config/index.js';
import { InputError } from '../../util/errors.js';
import { valueAt } from '../../util/json-object.js';
import type { PipelineFile, StageEntry } from './file.js';
import { pointLabel } from './grid.js';

/** A stage that others may refer to. */
interface NamedStage {
  readonly id: string;
  readonly command: CommandName;
  readonly config: Readonly<Record<string, unknown>>;
}

/** The stages before one. */
export interface EarlierStages<S extends NamedStage = NamedStage> {
  readonly done: readonly S[];
  /** Ids of those whose config is wrong. */
  readonly failed: ReadonlySet<string>;
}

/** A stage refers to one whose own error is known already. */
export class NeedsFailedStage extends Error {}

interface Search {
  readonly name: string;
  readonly entry: StageEntry;
  readonly earlier: EarlierStages;
  readonly where: string;
}

/**
 * An earlier stage by name: of the same grid point first, then a shared one.
 * @throws NeedsFailedStage; InputError where there is none
 */
export function findStage({ name, entry, earlier, where }: Search): NamedStage {
  const own = entry.point === null ? name : `${pointLabel(entry.point)}/${name}`;
  for (const id of [own, name]) {
    if (earlier.failed.has(id)) throw new NeedsFailedStage(id);
    const found = earlier.done.find((stage) => stage.id === id);
    if (found !== undefined) return found;
  }
  throw new InputError({
    where,
    problem: `there is no earlier stage ${JSON.stringify(name)}`,
    remedy: `Earlier stages are ${earlier.done.map(({ id }) => id).join(', ') || 'none'}`,
  });
}

interface LookupScope {
  readonly entry: StageEntry;
  readonly earlier: EarlierStages;
  /** Collects the stages that are referred to. */
  readonly used: Set<string>;
}

/** Looks references of a stage up. @throws as `findStage`; InputError on a key that the stage does not have */
export function stageLookup(file: PipelineFile, { entry, earlier, used }: LookupScope): Lookup {
  return (reference, where) => {
    const [kind, ...path] = reference.split('.');
    if (kind === 'grid' && entry.point !== null) return valueAt(entry.point, path);
    if (kind !== 'stages') return file.lookup(reference, where);
    const [name = '', ...key] = path;
    const stage = findStage({ name, entry, earlier, where });
    used.add(stage.id);
    const value = valueAt(stage.config, key);
    if (value !== undefined) return value;
    const schema: ConfigSchema = commandSchemas[stage.command];
    throw new InputError({
      where,
      problem: `stage ${name} has no key ${JSON.stringify(key.join('.'))}`,
      remedy: `Its keys are ${keyDocs(schema)
        .map((doc) => doc.key)
        .join(', ')}`,
    });
  };
}
