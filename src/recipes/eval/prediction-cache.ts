/** A sampler that keeps its completions in a file, and takes from there what it has. */
import { openPredictions } from '../../evaluate/index.js';
import type { Completion, Sampler } from '../../rollout/index.js';

type Generates = Pick<Sampler, 'generate' | 'adapterHash'>;

/**
 * Requests whose completions are all in the file are not sampled again; of others all are, which gives
 * the same ones, as each completion has its own random stream. Completions cut by an abort are not kept.
 * @param key - hash of what completions depend on beside their request
 */
export function cachedSampler(
  sampler: Generates,
  {
    path,
    key,
    log,
  }: {
    readonly path: string;
    readonly key: string;
    readonly log: (line: string) => void;
  },
): Generates {
  const store = openPredictions(path, key);
  const known = new Map<string, Completion>();
  const nameOf = (id: string, index: number) => JSON.stringify([id, index]);
  for (const found of store.found) {
    const name = nameOf(found.requestId, found.sampleIndex);
    known.set(name, { ...found, ids: [...found.ids] } as Completion);
  }
  if (known.size > 0) log(`predictions: ${known.size} completions taken from ${path}`);
  return {
    adapterHash: sampler.adapterHash,
    generate: async (requests, params, options = {}) => {
      const isKnown = ({ id, n }: { readonly id: string; readonly n: number }) =>
        Array.from({ length: n }, (_, i) => i).every((i) => known.has(nameOf(id, i)));
      const onCompletion = (completion: Completion) => {
        const name = nameOf(completion.requestId, completion.sampleIndex);
        if (completion.finishReason !== 'aborted' && !known.has(name)) {
          store.add(completion);
          known.set(name, completion);
        }
        options.onCompletion?.(completion);
      };
      const missing = requests.filter((request) => !isKnown(request));
      const fresh =
        missing.length === 0
          ? []
          : await sampler.generate(missing, params, { ...options, onCompletion });
      const byName = new Map(fresh.map((c) => [nameOf(c.requestId, c.sampleIndex), c]));
      return requests.flatMap(({ id, n, promptIds }) =>
        Array.from({ length: n }, (_, i) => {
          const completion = byName.get(nameOf(id, i)) ?? known.get(nameOf(id, i));
          return { ...(completion as Completion), promptIds };
        }),
      );
    },
  };
}
