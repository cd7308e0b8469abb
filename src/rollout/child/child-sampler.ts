/**
 * The sampler on ONNX Runtime in a process of its own, behind the same interface: for libraries that cannot
 * stand beside those of this process (two releases of CUDA), and for memory of a GPU that only the end of a
 * process gives back. The graph is written here and its files are loaded there, so that weights are never sent.
 */
import { RunError } from '../../util/errors.js';
import type { Adapter } from '../../weights/index.js';
import { decoderFiles } from '../engine/decoder-files.js';
import type { OnnxSamplerOptions } from '../engine/sampler-options.js';
import type { WeightSource } from '../graph/weight-source.js';
import type { ModelFiles } from '../onnx/model-files.js';
import type {
  Completion,
  RolloutSampler,
  SamplingParams,
  StreamOptions,
  StreamRequest,
  SyncResult,
} from '../types.js';
import { type CallOptions, Connection, releasedError } from './connection.js';
import { type AskGenerate, generateLive } from './live-generate.js';
import type { CallName, Calls, Results } from './messages.js';

export type ChildSamplerOptions = Omit<OnnxSamplerOptions, 'weights' | 'tokenizer' | 'kernels'> & {
  readonly weights: WeightSource;
  /** Folder of the tokenizer's files; null where only ids are scored. */
  readonly tokenizerDir: string | null;
  /** Tokens that end a text; default: those of the tokenizer. */
  readonly eosIds?: readonly number[];
  /** Environment of the process; default: that of this one. */
  readonly env?: NodeJS.ProcessEnv;
};

export interface ChildSampler extends RolloutSampler {
  /** Of the process; undefined while there is none. */
  readonly pid: number | undefined;
  /**
   * Ends the process, which gives all of its memory back; the next call starts one anew.
   * @returns settles when the process is gone
   */
  release(): Promise<void>;
}

/** Processes that end one after the other, none having answered a call: no more are started. */
const MAX_DEATHS = 3;

/**
 * A process that ends by itself fails the calls under way, with how it ended; they are not tried again. The
 * next call starts another, with the weights and the adapter that were set last.
 * @throws InputError or SetupError as `createOnnxSampler` does, with its message
 * @throws RunError when the process ends
 */
export async function createChildSampler(options: ChildSamplerOptions): Promise<ChildSampler> {
  const sampler = new ProcessSampler(options);
  try {
    await sampler.open();
    return sampler;
  } catch (error) {
    sampler.dispose();
    throw error;
  }
}

interface Installed {
  readonly adapter: Adapter | null;
  readonly version: string | undefined;
}

class ProcessSampler implements ChildSampler {
  private readonly options: ChildSamplerOptions;
  private files: ModelFiles;
  private connection: Promise<Connection> | null = null;
  private current: Connection | null = null;
  /** Settles when the last process that was released is gone. */
  private leaving: Promise<void> = Promise.resolve();
  /** How often a process, or the wish for one, was let go. */
  private leaves = 0;
  /** Processes that have ended by themselves since a call was answered, and how the last one did. */
  private deaths = 0;
  private lastEnd: RunError | null = null;
  private installed: Installed = { adapter: null, version: undefined };
  /** Version of weights that were loaded in place of the first ones. */
  private reloaded: string | null = null;
  private isDisposed = false;
  adapterHash: string | null = null;

  constructor(options: ChildSamplerOptions) {
    this.options = options;
    this.files = decoderFiles(options, options.weights);
  }

  get pid(): number | undefined {
    return this.current?.pid;
  }

  /** The process, started where there is none, with the adapter that was set last. */
  open(): Promise<Connection> {
    if (this.isDisposed) return Promise.reject(new RunError('rollout: the sampler is disposed'));
    if (this.deaths >= MAX_DEATHS) return Promise.reject(this.givenUp());
    if (this.connection !== null) return this.connection;
    const starting = this.start().catch((error: unknown) => {
      if (this.connection === starting) void this.leave();
      throw error;
    });
    this.connection = starting;
    return starting;
  }

  /** @throws InputError for a constraint that is not that of a schema */
  generate(
    requests: readonly StreamRequest[],
    params: SamplingParams,
    options: StreamOptions = {},
  ): Promise<Completion[]> {
    const ask: AskGenerate = (args, more) => this.ask('generate', args, more);
    return generateLive(ask, { requests, params, options });
  }

  score(sequences: readonly (readonly number[])[]): Promise<Float32Array[]> {
    return this.ask('score', { sequences });
  }

  async setAdapter(adapter: Adapter | null, version?: string): Promise<SyncResult> {
    const result = await this.ask('setAdapter', { adapter, version });
    this.installed = { adapter, version };
    this.adapterHash = result.hash;
    return result;
  }

  /** After an error the weights are the former ones. */
  async reloadWeights(weights: WeightSource, version: string): Promise<SyncResult> {
    await this.open();
    const files = decoderFiles(this.options, weights);
    const former = this.files;
    try {
      const sent = { weights: sessionModel(files), version };
      const result = await this.ask('reloadWeights', sent);
      [this.files, this.reloaded, this.adapterHash] = [files, version, result.hash];
      return result;
    } catch (error) {
      // It may hold neither; the next one loads the former.
      void this.leave();
      throw error;
    } finally {
      // Those that are not in use: the former, or after an error the new.
      (this.files === files ? former : files).dispose();
    }
  }

  release(): Promise<void> {
    this.deaths = 0;
    return this.leave();
  }

  dispose(): void {
    if (this.isDisposed) return;
    this.isDisposed = true;
    void this.leave();
    this.files.dispose();
  }

  private async ask<Name extends CallName>(
    name: Name,
    args: Calls[Name],
    options?: CallOptions,
  ): Promise<Results[Name]> {
    const connection = await this.open();
    const result = await connection.call(name, args, options);
    this.deaths = 0;
    return result;
  }

  private leave(): Promise<void> {
    this.leaves++;
    if (this.current !== null) {
      this.current.close();
      this.leaving = this.current.gone;
    }
    this.current = null;
    this.connection = null;
    return this.leaving;
  }

  /** Two processes would hold the weights twice. */
  private async start(): Promise<Connection> {
    const { weights: _weights, env = process.env, eosIds, ...options } = this.options;
    const { leaves } = this;
    await this.leaving;
    if (leaves !== this.leaves) throw releasedError();
    const connection = new Connection(env, (end) => {
      this.deaths++;
      this.lastEnd = end;
      if (this.current === connection) void this.leave();
    });
    this.current = connection;
    const weights = sessionModel(this.files);
    await connection.call('open', { options: { ...options, weights, eosIds } });
    if (this.reloaded !== null) {
      await connection.call('reloadWeights', { weights, version: this.reloaded });
    }
    const { adapter, version } = this.installed;
    if (adapter !== null) await connection.call('setAdapter', { adapter, version });
    return connection;
  }

  private givenUp(): RunError {
    const parts = {
      where: 'rollouts',
      problem: `${this.deaths} processes of the sampler have ended one after the other, none having answered a call`,
      remedy: 'No more are started before release(); the cause names how the last one ended',
    };
    return new RunError(parts, { cause: this.lastEnd });
  }
}

const sessionModel = ({ model, dataFolder }: ModelFiles) => ({ model, dataFolder });
