/** The form of an answer as a JSON schema, for servers that constrain to one, and to check by. */
import { FACTORIZATION_ALGORITHMS } from '../../util/factorization-algorithms.js';

/** The working comes first, so that the factors can be read off it. */
const PROPERTIES = {
  reasoning: { type: 'array', items: { type: 'string' }, description: 'Steps of work' },
  factors: { type: 'array', items: { type: 'integer' }, description: 'Prime factors, ascending' },
  algorithm: { type: 'string', enum: FACTORIZATION_ALGORITHMS.map(({ name }) => name) },
  time_taken: { type: 'number', description: 'Seconds' },
  confidence: { type: 'number', description: '0 to 1' },
} as const;

export const FACTORIZATION_SCHEMA = {
  type: 'object',
  properties: PROPERTIES,
  required: Object.keys(PROPERTIES),
  additionalProperties: false,
} as const;
