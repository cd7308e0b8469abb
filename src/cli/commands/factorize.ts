/** `lorikeet factorize` */
import { factorizeSchema } from '../../config/index.js';
import type { FactorizeResult } from '../../recipes/factorize.js';
import { counted } from '../../util/counted.js';
import { defineCommand } from '../command.js';

export const factorize = defineCommand({
  name: 'factorize',
  summary: 'Ask a model for the prime factors of a number, and check its answer',
  schema: factorizeSchema,
  positional: { key: 'number', isList: false },
  examples: [
    'lorikeet factorize 210 model=rft_data/run_20260131_235959/models/factorization-expert',
    'lorikeet factorize 123456789 model=ft:MODEL engine=server server.api=chat --raw',
  ],
  plan: (config) => [`asks ${config.model} for the factors of ${config.number}`],
  run: async (config, context) => {
    const result = await (await import('../../recipes/factorize.js')).runFactorize(config, context);
    if (context.verbose) for (const line of details(result)) context.log(line);
    return result;
  },
  print: readable,
});

const details = ({ text, tokens, finish_reason, valid }: FactorizeResult): readonly string[] => [
  `answer: ${text}`,
  `${counted(tokens, 'token')}, ended by ${finish_reason}; ${valid ? 'keeps' : 'does not keep'} the JSON schema`,
];

const RULE = '='.repeat(60);
const given = (value: unknown): string => (value === null ? 'not given' : String(value));
const decimals = (value: number | null): string => given(value?.toFixed(4) ?? null);

const secondsText = (value: number | null): string =>
  value === null ? given(value) : `${decimals(value)} seconds`;

function readable(result: FactorizeResult): string {
  const { number, factors, reasoning, product } = result;
  const steps = reasoning ?? [];
  return [
    RULE,
    `Factorization of ${number}`,
    RULE,
    `Factors: ${factors === null ? 'none could be read' : `[${factors.join(', ')}]`}`,
    `Correct: ${result.correct ? 'yes' : 'no'}`,
    `Algorithm: ${given(result.algorithm)}`,
    `Reported time: ${secondsText(result.time_taken)}`,
    `API call time: ${secondsText(result.api_call_time)}`,
    `Confidence: ${decimals(result.confidence)}`,
    '',
    'Reasoning:',
    ...(steps.length === 0 ? ['  none'] : steps.map((step, i) => `  ${i + 1}. ${step}`)),
    '',
    'Verification:',
    `  ${product === null ? 'no factors to multiply' : verification(result)}`,
    RULE,
  ].join('\n');
}

function verification({ number, factors, product, correct }: FactorizeResult): string {
  const equation = `${factors?.join(' × ')} = ${product}`;
  if (product !== number) return `${equation}, not ${number}`;
  return correct ? equation : `${equation}, but not all factors are prime`;
}
