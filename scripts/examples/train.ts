/** Data, a random model, SFT and an evaluation, as functions: what the commands of the same names do. */
import {
  dataSchema,
  evalSchema,
  initModelSchema,
  loadConfig,
  type RecipeContext,
  runData,
  runEval,
  runInitModel,
  runSft,
  sftSchema,
} from 'lorikeet';

const stop = new AbortController();
process.once('SIGINT', () => stop.abort('SIGINT'));

const context: RecipeContext = {
  signal: stop.signal,
  log: (line) => console.error(line),
  print: (line) => console.log(line),
  verbose: false,
};

await runData(
  loadConfig(dataSchema, {
    overrides: ['name=arithmetic', 'train_samples=200', 'test_samples=50', 'output_dir=data'],
  }),
  context,
);
await runInitModel(
  loadConfig(initModelSchema, {
    overrides: ['output=model', 'tokenizer.corpus=[data/train.jsonl]'],
  }),
  context,
);
const { run_dir } = await runSft(
  loadConfig(sftSchema, {
    overrides: ['model=model', 'dataset=data/train.jsonl', 'max_steps=3', 'output_dir=outputs/sft'],
  }),
  context,
);
const metrics = await runEval(
  loadConfig(evalSchema, {
    overrides: [
      `model=${run_dir}`,
      'benchmark=arithmetic',
      'dataset=data/test.jsonl',
      'max_new_tokens=32',
    ],
  }),
  context,
);
console.log(metrics);
