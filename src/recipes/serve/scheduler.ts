/**
 * Requests that come at any time → the sampler's calls. What comes while a call is at work joins it, as long as
 * it is for the same model; for another one the call comes to its end first, and newcomers wait their turn.
 */
import {
  type Completion,
  checkVersion,
  PLAIN_SAMPLING,
  type StreamRequest,
  type StreamToken,
} from '../../rollout/index.js';
import type { ServedModel, ServedModels } from '../sampling/served-models.js';

export interface Job {
  readonly model: ServedModel;
  /** Its id differs from those of all other jobs. */
  readonly request: StreamRequest;
  readonly onToken?: (token: StreamToken) => void;
}

interface OpenJob extends Job {
  readonly completions: Completion[];
  /** Why one of its completions has ended early. */
  failure?: { readonly error: unknown };
  readonly resolve: (completions: readonly Completion[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Requests bring their own parameters. */
const CALL_PARAMS = { ...PLAIN_SAMPLING, maxNewTokens: 1, seed: 0 };

export class Scheduler {
  private readonly served: Pick<ServedModels, 'sampler' | 'use'>;
  private waiting: OpenJob[] = [];
  private readonly working = new Map<string, OpenJob>();
  private draining: Promise<void> | null = null;

  constructor(served: Pick<ServedModels, 'sampler' | 'use'>) {
    this.served = served;
  }

  /** Completions that are waited for. */
  get open(): number {
    const jobs = [...this.waiting, ...this.working.values()];
    return jobs.reduce((sum, { request }) => sum + request.n, 0);
  }

  /** Settles when nothing waits and nothing is at work. */
  async idle(): Promise<void> {
    await this.draining;
  }

  /** Its completions in order of their index. @throws what the sampler throws */
  submit(job: Job): Promise<readonly Completion[]> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ ...job, completions: [], resolve, reject });
      this.draining ??= this.drain();
    });
  }

  private async drain(): Promise<void> {
    while (this.waiting.length > 0) {
      try {
        await this.call(this.waiting[0]!.model);
      } catch (error) {
        for (const job of this.working.values()) job.reject(error);
        this.working.clear();
      }
    }
    this.draining = null;
  }

  private async call(model: ServedModel): Promise<void> {
    const first = this.take(model);
    await this.served.use(model);
    await this.served.sampler.generate(first, CALL_PARAMS, {
      arrivals: () => (this.waiting.every((job) => job.model === model) ? this.take(model) : []),
      onToken: (token) => this.working.get(token.requestId)?.onToken?.(token),
      onFailure: (id, error) => {
        this.working.get(id)!.failure ??= { error };
      },
      onCompletion: (completion) => this.finish(completion, model),
    });
  }

  /** Everything that waits for the model goes to work. */
  private take(model: ServedModel): StreamRequest[] {
    const taken = this.waiting.filter((job) => job.model === model);
    this.waiting = this.waiting.filter((job) => job.model !== model);
    for (const job of taken) this.working.set(job.request.id, job);
    return taken.map(({ request }) => request);
  }

  private finish(completion: Completion, { version }: ServedModel): void {
    checkVersion(completion, version);
    const job = this.working.get(completion.requestId)!;
    job.completions.push(completion);
    if (job.completions.length < job.request.n) return;
    this.working.delete(completion.requestId);
    if (job.failure !== undefined) job.reject(job.failure.error);
    else job.resolve(job.completions.sort((a, b) => a.sampleIndex - b.sampleIndex));
  }
}
