/**
 * Templates of graders: `{{ item.reference_answer }}`, `{{ sample.output_json.steps[0] }}`. Namespaces are
 * `item` (the data row) and `sample` (what the model said); paths have names, `[number]` and `["name"]`.
 * Text is inserted as it is, anything else as JSON. Left out: filters and statements.
 *
 * Whose fault a missing value is decides what follows. A sample without it is a bad answer (SampleFault);
 * a row without the key is a mistake in grader or data (an error); a row with null is not for this grader
 * (SkippedRow).
 */
import { InputError } from '../../util/errors.js';
import { valueAt } from '../../util/json-object.js';
import { SampleFault, SkippedRow } from './outcome.js';
import type { GradedSample } from './sample.js';
import type { ComparedSpec } from './spec.js';

export type Template = (sample: GradedSample) => string;

type Namespace = 'item' | 'sample';

interface Variable {
  readonly text: string;
  readonly namespace: Namespace;
  readonly path: readonly (string | number)[];
}

const PLACE = /\{\{(.*?)\}\}/gs;
const STEP = /\s*(?:\.\s*([\p{L}_$][\p{L}\p{N}_$-]*)|\[\s*(?:(\d+)|"([^"]*)"|'([^']*)')\s*\])/uy;

/** @param where Field that holds the template. @throws InputError on a variable that cannot be read. */
export function compileTemplate(text: string, where: string): Template {
  const pieces: (string | Variable)[] = [];
  let end = 0;
  for (const match of text.matchAll(PLACE)) {
    if (match.index > end) pieces.push(text.slice(end, match.index));
    pieces.push(parseVariable(match[1]!.trim(), where));
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push(text.slice(end));
  return (sample) =>
    pieces
      .map((piece) => (typeof piece === 'string' ? piece : insertedText(piece, sample)))
      .join('');
}

/** Both texts of a comparison. The reference is filled first: a row without one is skipped, whatever the sample is. */
export function compileCompared({ name, input, reference }: ComparedSpec) {
  const text = compileTemplate(input, `${name}.input`);
  const gold = compileTemplate(reference, `${name}.reference`);
  return (sample: GradedSample) => ({ gold: gold(sample), text: text(sample) });
}

function parseVariable(text: string, where: string): Variable {
  const [namespace] = /^(?:item|sample)\b/.exec(text) ?? [];
  const path: (string | number)[] = [];
  let end = namespace?.length ?? 0;
  for (;;) {
    STEP.lastIndex = end;
    const step = STEP.exec(text);
    if (step === null) break;
    path.push(step[2] !== undefined ? Number(step[2]) : (step[1] ?? step[3] ?? step[4]!));
    end = STEP.lastIndex;
  }
  if (namespace !== undefined && end === text.length && (path.length > 0 || namespace === 'item')) {
    return { text, namespace: namespace as Namespace, path };
  }
  throw new InputError({
    where,
    problem: `{{ ${text} }} is no variable`,
    remedy: 'Write {{ item.NAME }} or {{ sample.output_text }}, with .NAME and [0] below it',
  });
}

function insertedText(variable: Variable, sample: GradedSample): string {
  const { text, namespace, path } = variable;
  const here =
    namespace === 'item'
      ? valueAt(sample.item, path)
      : valueAt(sample.sampleAt(path[0]!), path.slice(1));
  if (here === undefined) {
    if (namespace === 'sample') throw new SampleFault(`the sample has no ${text}`);
    throw new InputError({ where: 'item', problem: `the row has no ${text}` });
  }
  if (here === null && namespace === 'item') throw new SkippedRow(`${text} is null`);
  return typeof here === 'string' ? here : asJson(here, text);
}

/** Values nested deeper than JSON.stringify can follow are bad answers too. */
function asJson(value: unknown, text: string): string {
  try {
    return JSON.stringify(value);
  } catch {
    throw new SampleFault(`${text} cannot be written as text`);
  }
}
