/** Completions of a prompt by a model with its adapter, each with the log-probability of every token. */
import {
  createOnnxSampler,
  loadTokenizer,
  openCheckpoint,
  PLAIN_SAMPLING,
  readAdapter,
  readSpec,
  renderPrompt,
} from 'lorikeet';

const checkpoint = openCheckpoint('model');
const adapter = readAdapter('outputs/sft/model');
const tokenizer = await loadTokenizer('model');
const sampler = await createOnnxSampler({
  spec: readSpec('model'),
  weights: (name) => checkpoint.tensor(name),
  tokenizer,
  loraModules: [...adapter.tensors.keys()],
  maxContext: 256,
});
sampler.setAdapter(adapter);

const question = 'Anna has 3 apples and buys 4 more. How many has she?';
const promptIds = renderPrompt(tokenizer, { messages: [{ role: 'user', content: question }] });
const completions = await sampler.generate([{ id: 'apples', promptIds, n: 4 }], {
  ...PLAIN_SAMPLING,
  temperature: 0.8,
  maxNewTokens: 32,
  seed: 42,
});
for (const { text, logprobs, finishReason } of completions) {
  const sum = logprobs.reduce((total, logprob) => total + logprob, 0);
  console.log(JSON.stringify({ text, logprob: sum, finishReason }));
}

sampler.dispose();
checkpoint.close();
