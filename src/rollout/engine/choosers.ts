/** Keeps the graph that chooses tokens from call to call, for as long as the sampling parameters stay. */
import type { SessionOptions } from '../ort/session.js';
import type { SamplingParams } from '../types.js';
import type { RequestSamplers } from './request-samplers.js';
import { canChooseInGraph, GraphChooser, hostChooser, type TokenChooser } from './token-chooser.js';

export class Choosers {
  private readonly vocabSize: number;
  private readonly session: SessionOptions;
  private kept: { readonly key: string; readonly chooser: GraphChooser } | undefined;

  constructor(vocabSize: number, session: SessionOptions) {
    this.vocabSize = vocabSize;
    this.session = session;
  }

  /** @param place where tokens are chosen if the parameters allow it */
  of(params: SamplingParams, samplers: RequestSamplers, place: 'host' | 'graph'): TokenChooser {
    if (place === 'host' || !canChooseInGraph(params)) {
      return hostChooser(({ request }) => samplers.of(request));
    }
    const { temperature, topK, topP, minP } = params;
    const key = [temperature === 0, topK, topP, minP].join();
    if (this.kept?.key !== key) {
      this.dispose();
      this.kept = { key, chooser: new GraphChooser(params, this.vocabSize, this.session) };
    }
    return this.kept.chooser;
  }

  dispose(): void {
    this.kept?.chooser.dispose();
    this.kept = undefined;
  }
}
