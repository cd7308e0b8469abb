/** Reward of structured answers: the completion is JSON, and it keeps a JSON Schema. */
import { Ajv } from 'ajv';
import { InputError, messageOf } from '../../util/errors.js';
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
      return keeps(JSON.parse(completion)) ? 1 : 0;
    } catch {
      return 0;
    }
  };
};

function compile(schema: Readonly<Record<string, unknown>>): (value: unknown) => boolean {
  try {
    return new Ajv({ strict: false, logger: false }).compile(schema);
  } catch (error) {
    const where = 'rewards.json_schema.options.schema';
    throw new InputError({ where, problem: messageOf(error) });
  }
}
