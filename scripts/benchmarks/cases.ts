/** What is measured side by side: our command, the peers' scripts on the same work, and the ratio that counts. */

export interface Side {
  /** Name in the table. */
  readonly name: string;
  readonly command: 'lorikeet' | 'python';
  /** `$MODEL`, `$TEXTMODEL` and `$ROWS` stand for the checkpoints and a file of rows. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** In bfloat16: left out where the processor does not multiply it. */
  readonly bfloat16?: boolean;
  /** Name of the peer that the ratio is taken to; default: the best one. */
  readonly against?: string;
}

export interface Case {
  readonly name: string;
  readonly title: string;
  /** Field of the JSON lines, and whether more of it is better. */
  readonly field: string;
  readonly higherIsBetter: boolean;
  readonly ours: readonly Side[];
  readonly peers: readonly Side[];
  /** Least ratio of the better of ours to the better of the peers. */
  readonly goal: number | null;
}

const ours = (name: string, text: string, env?: Readonly<Record<string, string>>): Side => ({
  name,
  command: 'lorikeet',
  args: text.split(' '),
  ...(env !== undefined && { env }),
});
/** A peer's script in both of PyTorch's types: the better one counts. */
const bothTypes = (label: string, text: string): Side[] =>
  ['bf16', 'fp32'].map((dtype) => ({
    name: `${label}, ${dtype}`,
    command: 'python',
    args: `${text} --dtype ${dtype}`.split(' '),
    bfloat16: dtype === 'bf16',
  }));

const PLAIN = { LORIKEET_NATIVE_OPS: '0' };
const speed = { field: 'tokens_per_s', higherIsBetter: true };

const sft = (checkpointing: boolean): Case => ({
  name: checkpointing ? 'sft-checkpointed' : 'sft',
  title: `SFT, 8 × 512 tokens, LoRA r 16 on all linear modules, checkpointing ${checkpointing ? 'on' : 'off'}`,
  ...speed,
  ours: [
    ours('Lorikeet', `bench sft model=$MODEL gradient_checkpointing=${checkpointing}`),
    {
      ...ours(
        'Lorikeet without its compiled operations',
        `bench sft model=$MODEL gradient_checkpointing=${checkpointing} compute_dtype=bfloat16 steps=1`,
        PLAIN,
      ),
      bfloat16: true,
    },
  ],
  peers: bothTypes(
    'TRL',
    `trl_sft.py $MODEL --steps 1${checkpointing ? '' : ' --no-checkpointing'}`,
  ),
  goal: 2.5,
});

const generate = (batch: number): Case => ({
  name: `rollout-${batch}`,
  title: `Sampling, batch ${batch}, prompts of 32, 128 new tokens each, LoRA r 16 active (transformers: none)`,
  ...speed,
  ours: [
    ours('Lorikeet, auto', `bench rollout model=$MODEL batch=${batch} precision=auto`),
    {
      ...ours('Lorikeet, float32', `bench rollout model=$MODEL batch=${batch} precision=float32`),
      against: 'transformers, fp32',
    },
  ],
  peers: bothTypes('transformers', `hf_generate.py $MODEL --batch ${batch}`),
  goal: 3,
});

export const CASES: readonly Case[] = [
  sft(true),
  sft(false),
  {
    name: 'rows',
    title: 'SFT, one epoch over 256 rows of GSM8K at their own lengths, 8 rows a step',
    field: 'seconds',
    higherIsBetter: false,
    ours: [ours('Lorikeet', 'rows')],
    peers: [
      ...bothTypes('TRL', 'trl_sft_rows.py $TEXTMODEL $ROWS'),
      ...bothTypes('TRL, packing', 'trl_sft_rows.py $TEXTMODEL $ROWS --packing'),
    ],
    goal: 3,
  },
  {
    name: 'dpo',
    title: 'DPO, 4 pairs, prompts and answers of 72 tokens, reference = adapter off',
    ...speed,
    ours: [ours('Lorikeet', 'bench dpo model=$MODEL pairs=4 prompt_tokens=72 response_tokens=72')],
    peers: bothTypes('TRL', 'trl_dpo.py $MODEL --steps 1'),
    goal: 3,
  },
  {
    name: 'grpo-update',
    title: 'Update of GRPO, 4 prompts of 256 tokens × 8 completions of 128, float32',
    field: 'update_s',
    higherIsBetter: false,
    ours: [
      ours(
        'prompts shared',
        'bench grpo model=$MODEL prompt_tokens=256 compute_dtype=float32 steps=1',
      ),
    ],
    peers: [
      ours(
        'prompts computed for each completion',
        'bench grpo model=$MODEL prompt_tokens=256 compute_dtype=float32 share_prompts=false steps=1',
      ),
    ],
    goal: 1.5,
  },
  {
    name: 'long',
    title: 'SFT of one sequence of 8,192 tokens',
    field: 'peak_rss_mib',
    higherIsBetter: false,
    ours: [ours('Lorikeet', 'bench sft model=$MODEL seq=8192 batch=1 steps=1')],
    peers: [],
    goal: null,
  },
  generate(32),
  generate(128),
  {
    name: 'lengths',
    title: "Sampling with the lengths of GSM8K's answers, up to 256 tokens, 64 at a time",
    ...speed,
    ours: [
      ours(
        'continuous batching',
        'bench rollout model=$TEXTMODEL batch=64 requests=256 max_new_tokens=256 lengths=$ROWS repeats=1',
      ),
    ],
    peers: [
      ours(
        'static batches',
        'bench rollout model=$TEXTMODEL batch=64 requests=256 max_new_tokens=256 lengths=$ROWS repeats=1 scheduling=static',
      ),
    ],
    goal: 1.5,
  },
  {
    name: 'grpo',
    title: 'A step of GRPO, 4 prompts × 8 completions of 128 tokens',
    field: 'step_s',
    higherIsBetter: false,
    ours: [ours('Lorikeet', 'bench grpo model=$MODEL prompt_tokens=25')],
    peers: bothTypes('TRL', 'trl_grpo.py $MODEL --steps 1'),
    goal: 2.5,
  },
];
