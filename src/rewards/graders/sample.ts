/** One row to grade: the data row (`item`) and what the model said (`sample`). */
import { type JsonObject, parseJson } from '../../util/json-object.js';
import { SampleFault } from './outcome.js';

export interface GradedSample {
  readonly item: JsonObject;
  readonly sample: JsonObject;
  /** `output_text`; empty when there is none. */
  readonly text: string;
  /**
   * A field of `sample`. `output_json` is read from `output_text` unless the sample brings it.
   * @throws SampleFault when that text is no JSON.
   */
  readonly sampleAt: (key: string | number) => unknown;
}

export function gradedSample(item: JsonObject, sample: JsonObject): GradedSample {
  const text = typeof sample.output_text === 'string' ? sample.output_text : '';
  let json: { readonly value: unknown } | null = null;
  return {
    item,
    sample,
    text,
    sampleAt: (key) => {
      const own = Object.hasOwn(sample, key) ? sample[key] : undefined;
      if (key !== 'output_json' || own != null) return own === null ? undefined : own;
      json ??= { value: parsed(text) };
      return json.value;
    },
  };
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw new SampleFault('output_text is no JSON');
  }
}
