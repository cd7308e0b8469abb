/** A sampler that keeps its completions in a file, and takes from there what it has. */
import { openPredictions, promptHashOf } from '../../evaluate/index.js';
import type { Completion, GenerateOptions, PromptRequest, Sampler } from '../../rollout/index.js';

type Generates = Pick<Sampler, 'generate' | 'adapterHash'>;
type Next = NonNullable<GenerateOptions['next']>;

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
  const known = new Known();
  for (const { completion, promptHash } of store.found) {
    known.add({ ...completion, ids: [...completion.ids] } as Completion, promptHash);
  }
  if (known.size > 0) log(`predictions: ${known.size} completions taken from ${path}`);
  return {
    adapterHash: sampler.adapterHash,
    generate: async (requests, params, options = {}) => {
      const onCompletion = (completion: Completion) => {
        if (completion.finishReason !== 'aborted' && known.add(completion)) store.add(completion);
        options.onCompletion?.(completion);
      };
      const next = options.next && known.following(options.next);
      const kept = requests.flatMap((request) => known.of(request) ?? []);
      const follow = next === undefined ? [] : await Promise.all(kept.map(next));
      const missing = [
        ...requests.filter((request) => known.of(request) === null),
        ...follow.filter((request) => request !== null),
      ];
      const fresh =
        missing.length === 0
          ? []
          : await sampler.generate(missing, params, { ...options, onCompletion, next });
      const asked = new Set(requests.map(({ id }) => id));
      const firsts = new Known(fresh.filter(({ requestId }) => asked.has(requestId)));
      return [
        ...requests.flatMap((request) => firsts.of(request) ?? known.of(request) ?? []),
        ...fresh.filter(({ requestId }) => !asked.has(requestId)),
      ];
    },
  };
}

/** Completions by request, prompt and index. */
class Known {
  private readonly byName = new Map<string, Completion>();

  constructor(completions: readonly Completion[] = []) {
    for (const completion of completions) this.add(completion);
  }

  get size(): number {
    return this.byName.size;
  }

  /** @returns false where it was there. */
  add(completion: Completion, promptHash = promptHashOf(completion.promptIds)): boolean {
    const name = JSON.stringify([completion.requestId, promptHash, completion.sampleIndex]);
    if (this.byName.has(name)) return false;
    this.byName.set(name, completion);
    return true;
  }

  /** All completions that the request asks for, or null. */
  of({ id, n, promptIds }: PromptRequest): Completion[] | null {
    const hash = promptHashOf(promptIds);
    const found = Array.from({ length: n }, (_, i) =>
      this.byName.get(JSON.stringify([id, hash, i])),
    );
    if (found.includes(undefined)) return null;
    return found.map((completion) => ({ ...completion!, promptIds }));
  }

  /** Requests that follow and are known bring what follows from them in their place. */
  following(next: Next): Next {
    const follow: Next = async (completion) => {
      const request = await next(completion);
      const [found] = request === null ? [] : (this.of(request) ?? []);
      return found === undefined ? request : await follow(found);
    };
    return follow;
  }
}
