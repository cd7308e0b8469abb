/** What holds for all requests: the models, and what the config says where a request says nothing. */
import type { SamplingParams, TokenConstraint } from '../../rollout/index.js';
import type { RenderOptions } from '../../tokenizer/index.js';
import { sha256 } from '../../util/files.js';
import { RecentlyUsed } from '../../util/recently-used.js';
import { responseConstraint } from '../sampling/response-format.js';
import type { ServedModel, ServedModels } from '../sampling/served-models.js';
import { asApiError } from './api-error.js';

export interface ServingSettings extends Pick<ServedModels, 'models' | 'maxContext'> {
  readonly params: SamplingParams;
  readonly render: RenderOptions;
  /** Most completions that may wait or be at work. */
  readonly maxQueue: number;
  /** Compiled once for each format, as long as it is among those asked for last. */
  readonly constraintOf: (
    format: Record<string, unknown>,
    model: ServedModel,
  ) => TokenConstraint | null;
}

/** Compiled formats that are kept. */
const KEPT_FORMATS = 16;

/** @throws ApiError on a format that is not supported */
export function keptConstraints(): ServingSettings['constraintOf'] {
  const kept = new RecentlyUsed<TokenConstraint | null>(KEPT_FORMATS);
  return (format, { source }) => {
    const key = sha256(JSON.stringify([source.tokenizer.dir, format]));
    return kept.get(key, () => {
      try {
        return responseConstraint(format, source.tokenizer);
      } catch (error) {
        throw asApiError(error, 'response_format');
      }
    });
  };
}
