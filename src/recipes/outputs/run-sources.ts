/** The models and data sets that a run reads, noted for its run.json and its model card. */
import type { ReadSource } from '../../report/index.js';
import type { RecipeContext } from '../context.js';
import { runOfModel } from '../inputs/run-of-model.js';

export interface NotedSources {
  /** The context to read under. */
  readonly context: RecipeContext;
  /** Those read so far, each once. */
  readonly sources: readonly ReadSource[];
}

export function noteSources(context: RecipeContext): NotedSources {
  const sources: ReadSource[] = [];
  const known = new Set<string>();
  const onSource = (source: ReadSource) => {
    const text = JSON.stringify(source);
    if (!known.has(text)) sources.push(source);
    known.add(text);
  };
  return { context: { ...context, onSource }, sources };
}

/** What the run that made a model has read, where the model is named by its folder. */
const readByRun = (model: string): readonly ReadSource[] => runOfModel(model)?.sources ?? [];

/** Those of the runs that made the models too, each once. */
export function withThoseOfRuns(
  sources: readonly ReadSource[],
  models: readonly string[],
): readonly ReadSource[] {
  const all = [...sources, ...models.flatMap(readByRun)];
  const keys = all.map(({ kind, name, split, commit }) => [kind, name, split, commit].join());
  return all.filter((_, i) => keys.indexOf(keys[i]!) === i);
}

/** Part of a model card that says at which commits of the hub the model and its data were; empty for none. */
export function madeFrom(sources: readonly ReadSource[]): string {
  const lines = sources.flatMap(({ kind, name, split, revision, commit }) => {
    if (commit === null) return [];
    const what = kind === 'model' ? 'Model' : 'Data';
    const part = split === undefined ? '' : ` (${split})`;
    const asked = revision === null || revision === commit ? '' : `, revision \`${revision}\``;
    return [`- ${what}: \`${name}\`${part} at commit \`${commit}\`${asked}`];
  });
  return lines.length === 0 ? '' : `\nMade from:\n\n${lines.join('\n')}\n`;
}
