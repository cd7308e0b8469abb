/** The models and data sets that a run reads, noted for its run.json and its model card. */
import type { ReadSource } from '../../report/index.js';
import type { RecipeContext } from '../context.js';

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

/** Lines of a model card that say at which commits of the hub the model and its data were. */
export const sourceLines = (sources: readonly ReadSource[]): string[] =>
  sources.flatMap(({ kind, name, split, revision, commit }) => {
    if (commit === null) return [];
    const what = kind === 'model' ? 'Model' : 'Data';
    const part = split === undefined ? '' : ` (${split})`;
    const asked = revision === null || revision === commit ? '' : `, revision \`${revision}\``;
    return [`- ${what}: \`${name}\`${part} at commit \`${commit}\`${asked}`];
  });
