/** The key `dataset` → rows. */
import type { DatasetConfig } from '../../config/index.js';
import { type LoadedRows, loadRows, type RowFilter } from '../../data/index.js';
import { counted } from '../../util/counted.js';
import type { RecipeContext } from '../context.js';
import { sayBrokenCharacters } from './broken-characters.js';
import { hubOptions, pinned } from './hub-options.js';

export interface DatasetUse {
  readonly seed: number;
  readonly context: RecipeContext;
  readonly only?: RowFilter | undefined;
}

/** Rows of a data set, with one line that says where they come from. */
export async function loadDataset(
  dataset: DatasetConfig,
  { seed, context, only }: DatasetUse,
): Promise<LoadedRows> {
  const source = (dataset.path ?? dataset.name)!;
  const loaded = await loadRows(source, {
    split: dataset.split,
    hub: hubOptions(context),
    ...pinned(dataset.revision, 'dataset.revision'),
    columns: dataset.columns,
    ...(dataset.subset !== null && { config: dataset.subset }),
    ...(only && { only }),
    ...(dataset.shuffle && { shuffleSeed: seed }),
    ...(dataset.num_samples !== null && { numSamples: dataset.num_samples }),
  });
  const { count, total, dropped, kind, revision, commit, sha256 } = loaded.provenance;
  context.onSource?.({
    kind: 'dataset',
    name: source,
    split: dataset.split,
    revision,
    commit,
    sha256,
  });
  const left = dropped > 0 ? `, ${dropped} malformed left out` : '';
  const split = kind === 'file' ? '' : ` (${dataset.split})`;
  const picked = only === undefined ? '' : `, those of ${only.column} ${only.values.join(' or ')}`;
  const { num_samples: asked } = dataset;
  const short = asked !== null && count < asked ? `, fewer than the ${asked} of num_samples` : '';
  context.log(
    `data: ${count} of ${counted(total, 'row')} of ${source}${split}${picked}${left}${short}`,
  );
  sayBrokenCharacters(loaded, context.log);
  return loaded;
}
