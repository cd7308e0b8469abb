/** What holds for all requests: the models, and what the config says where a request says nothing. */
import type { SamplingParams, TokenConstraint } from '../../rollout/index.js';
import type { RenderOptions } from '../../tokenizer/index.js';
import { keptConstraints } from '../sampling/response-format.js';
import type { ServedModel, ServedModels } from '../sampling/served-models.js';
import { asApiError } from './api-error.js';

export interface ServingSettings extends Pick<ServedModels, 'models' | 'maxContext'> {
  readonly params: SamplingParams;
  readonly render: RenderOptions;
  /** Most completions that may wait or be at work. */
  readonly maxQueue: number;
  readonly constraintOf: (
    format: Record<string, unknown>,
    model: ServedModel,
  ) => TokenConstraint | null;
}

/** @throws ApiError on a format that is not supported */
export function servedConstraints(): ServingSettings['constraintOf'] {
  const constraintOf = keptConstraints();
  return (format, { source }) => {
    try {
      return constraintOf(format, source.tokenizer);
    } catch (error) {
      throw asApiError(error, 'response_format');
    }
  };
}
