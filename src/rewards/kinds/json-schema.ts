/**
 * Reward of structured answers: the completion is JSON, and it keeps a JSON Schema of draft 2020-12, or of draft 07
 * where `$schema` says so. `format` is a remark, as in these drafts.
 */
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { InputError, messageOf } from '../../util/errors.js';
import { parseJson } from '../../util/json-object.js';
import type { RewardFactory } from '../reward.js';

/** Longer completions score 0: patterns of a schema may take long on them. Characters. */
const MAX_LENGTH = 100_000;

/**
 * 1 when the whole completion is JSON that keeps `schema`, else 0.
 * @example options: { schema: { type: object, required: [factors] } }
 */
export const jsonSchemaReward: RewardFactory = ({ settings }) => {
  const schema = settings.mapping('schema');
  if (schema === null) {
    throw new InputError({ where: 'rewards.json_schema.options', problem: 'schema is missing' });
  }
  const keeps = compile(schema);
  return (completion) => {
    if (completion.length > MAX_LENGTH) return 0;
    try {
      return keeps(parseJson(completion)) ? 1 : 0;
    } catch {
      return 0;
    }
  };
};

const DRAFT_07 = /^https?:\/\/json-schema\.org\/draft-07\/schema#?$/;
/** Only keywords that the draft has, in any combination. */
const OPTIONS = {
  strict: false,
  strictSchema: true,
  validateFormats: false,
  logger: false,
} as const;

function compile(schema: Readonly<Record<string, unknown>>): (value: unknown) => boolean {
  const isDraft07 = DRAFT_07.test(String(schema.$schema));
  try {
    return (isDraft07 ? new Ajv(OPTIONS) : new Ajv2020(OPTIONS)).compile(schema);
  } catch (error) {
    throw new InputError({
      where: 'rewards.json_schema.options.schema',
      problem: messageOf(error),
      remedy: `Keywords are those of JSON Schema, draft ${isDraft07 ? '07' : '2020-12'}`,
    });
  }
}
