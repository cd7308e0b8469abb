/** A sampler that keeps its completions in a file, and takes from there what it has. */
import { openPredictions, promptHashOf } from '../../evaluate/index.js';
import type { Completion, GenerateOptions, PromptRequest } from '../../rollout/index.js';
import { counted } from '../../util/counted.js';
import type { Generates } from '../evaluation/evaluate-model.js';

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
  if (known.size > 0) log(`predictions: ${counted(known.size, 'completion')} taken from ${path}`);
  return {
    adapterHash: sampler.adapterHash,
    generate: async (requests, params, options = {}) => {
      const onCompletion = (completion: Completion) => {
        if (completion.finishReason !== 'aborted' && known.add(completion)) store.add(completion);
        options.onCompletion?.(completion);
      };
      const missing = (request: PromptRequest) => known.missing(request, options.next);
      const later: PromptRequest[] = [];
      const next: Next = async (completion) => {
        const [first = null, ...others] = await known.behind(completion, options.next);
        for (const other of others) later.push(other);
        return first;
      };
      const waves: (readonly Completion[])[] = [];
      for (let wave = await settled(requests.map(missing)); wave.length > 0; ) {
        const own = { ...options, onCompletion, next: options.next && next };
        waves.push(await sampler.generate(wave, params, own));
        wave = later.splice(0);
      }
      const fresh = waves.flat();
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

  /** What is to be sampled for a request: itself, or where it is known what follows from its completions. */
  async missing(request: PromptRequest, next: Next | undefined): Promise<PromptRequest[]> {
    const found = this.of(request);
    if (found === null) return [request];
    return await settled(found.map((completion) => this.behind(completion, next)));
  }

  /** What is to be sampled behind a completion. */
  async behind(completion: Completion, next: Next | undefined): Promise<PromptRequest[]> {
    const request = (await next?.(completion)) ?? null;
    return request === null ? [] : await this.missing(request, next);
  }
}

/** All in their order. @throws what one rejects with, when none is under way any more */
async function settled<T>(parts: readonly Promise<readonly T[]>[]): Promise<T[]> {
  await Promise.allSettled(parts);
  return (await Promise.all(parts)).flat();
}
