/** `python`: `grade(sample, item)` of a source, run by the executor that is handed in. */
import { InputError } from '../../util/errors.js';
import { shown } from '../../util/shown.js';
import type { Grade } from './grade.js';
import { scored } from './outcome.js';
import type { GradedSample } from './sample.js';
import type { PythonSpec } from './spec.js';
import type { GraderTools } from './tools.js';

/** OpenAI's limit on the source, bytes. */
const MAX_SOURCE = 256 * 1024;

/** @throws InputError without an executor, or on a source that is too long. */
export function pythonGrader(spec: PythonSpec, { runPython }: GraderTools): Grade {
  if (runPython === undefined) {
    throw new InputError({
      where: spec.name,
      problem: 'a python grader needs a sandbox, and none is available here',
    });
  }
  if (Buffer.byteLength(spec.source) > MAX_SOURCE) {
    throw new InputError({ where: `${spec.name}.source`, problem: 'it is longer than 256 KiB' });
  }
  return async (graded) => {
    const { sample, item, text } = graded;
    const given = { output_text: text, output_json: outputJson(graded), ...sample };
    const score = await runPython({ source: spec.source, sample: given, item });
    const value = typeof score === 'boolean' ? Number(score) : score;
    if (typeof value === 'number' && Number.isFinite(value)) return scored(value);
    throw new Error(`grade() returned ${shown(score)}, expected a number`);
  };
}

/** Null when the text is no JSON, or nested deeper than it could be handed on. */
function outputJson({ sampleAt }: GradedSample): unknown {
  try {
    const value = sampleAt('output_json');
    JSON.stringify(value);
    return value ?? null;
  } catch {
    return null;
  }
}
