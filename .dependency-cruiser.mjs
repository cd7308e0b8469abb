/**
 * The direction of imports: each folder of `src/` may import the ones listed here and no others, and each
 * vendor package has one folder that may import it at run time. Checked by `npm run check`.
 */
import { readdirSync } from 'node:fs';

/** Folder → what it is for, and which folders it may import besides `util/`. */
const FOLDERS = {
  util: [
    'Random numbers, errors, files, clocks: no domain words, so that every folder can use it.',
    [],
  ],
  config: ['Schemas and loading of configs: importable without any runtime.', []],
  tensor: ['The door to TensorFlow; knows tensors, not models.', []],
  tokenizer: ['Text and token ids; knows no model and no tensor.', []],
  weights: ['File formats of weights; works on bytes, not on tensors.', []],
  hub: ['Downloads and the cache.', []],
  sandbox: ['Runs untrusted code under limits.', []],
  endpoint: ['Client of OpenAI-compatible servers; knows no grader and no sampler.', []],
  report: ['Rows, tables, plots, run folders: observes, and never steers.', []],
  setup: ['Provides the native runtimes that other folders load.', ['tensor']],
  model: ['The architecture as data, its forward and reverse pass.', ['tensor', 'weights']],
  losses: ['Pure functions on tensors.', ['tensor']],
  rewards: ['Graders of completions; judges and Python are handed in.', []],
  data: [
    'Sources to rows to token batches, as typed arrays and not tensors.',
    ['tokenizer', 'hub'],
  ],
  rollout: [
    'Generation on ONNX Runtime; of the model it takes the spec only.',
    ['tokenizer', 'model', 'weights', 'endpoint'],
  ],
  gguf: [
    'Model files of llama.cpp; of the model it takes the spec only.',
    ['tokenizer', 'model', 'weights'],
  ],
  preferences: ['Rows to traces and pairs.', ['rewards']],
  remote: ["Training services behind the trainers' interface.", ['report', 'endpoint']],
  train: [
    'The loop and its steps. Never rollout or rewards: a recipe hands in `collect(step)`.',
    ['tensor', 'model', 'losses', 'weights', 'report'],
  ],
  evaluate: ['Benchmarks, strategies, metrics.', ['data', 'rewards', 'rollout', 'report']],
  recipes: [
    'Composition: config to objects to run.',
    [
      ...['config', 'tensor', 'tokenizer', 'weights', 'hub', 'sandbox', 'report', 'setup', 'model'],
      ...['losses', 'rewards', 'data', 'rollout', 'preferences', 'remote', 'train', 'evaluate'],
      ...['endpoint', 'gguf'],
    ],
  ],
  cli: ['Parse, call, print, exit code.', ['recipes', 'config']],
};

/** Vendor package → the only folders that may import it at run time; none: it is loaded where it is used. */
const VENDORS = {
  '@tensorflow/': ['tensor'],
  'onnxruntime-node': ['rollout'],
  koffi: ['rollout'],
  protobufjs: ['rollout', 'report', 'remote'],
  '@huggingface/transformers': ['tokenizer'],
  '@huggingface/gguf': ['gguf'],
  ajv: ['rewards'],
  zod: ['config'],
  yaml: ['config'],
  yargs: ['cli'],
  'cli-progress': ['report'],
  arquero: ['report'],
  echarts: [],
  'csv-parse': ['data'],
  hyparquet: ['data'],
};

/** Files that other folders import directly: they are small, and need nothing else of their folder. */
const OPEN_FILES = [
  '^src/util/',
  '^src/recipes/',
  '^src/model/spec(-modules|-experts)?[.]ts$',
  '^src/tensor/(gpu|runtime|binding/modules|native/library)[.]ts$',
  '^src/weights/host-tensor[.]ts$',
  '^src/rollout/sampler-memory[.]ts$',
];

const anyOf = (folders) => `^src/(${folders.join('|')})/`;

const layers = Object.entries(FOLDERS).map(([folder, [why, others]]) => ({
  name: `layer-${folder}`,
  comment: `${why} It may import: ${['util', ...others].join(', ')}.`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: '^src/', pathNot: anyOf([folder, 'util', ...others]) },
}));

const doors = Object.entries(VENDORS).map(([vendor, folders]) => ({
  name: `door-${vendor}`,
  comment: `Only ${folders.join(', ') || 'a require where it is used'} imports ${vendor} at run time, so that it can be replaced in one place.`,
  severity: 'error',
  from: { path: '^src/', pathNot: anyOf(folders) },
  to: { path: `node_modules/${vendor}`, dependencyTypesNot: ['type-only'] },
}));

const indexes = Object.keys(FOLDERS).map((folder) => ({
  name: `index-of-${folder}`,
  comment: `Other folders import ${folder} through its index.ts, which shows what it offers.`,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/${folder}/` },
  to: { path: `^src/${folder}/`, pathNot: [`^src/${folder}/index[.]ts$`, ...OPEN_FILES] },
}));

/**
 * `src/recipes/<name>/` beside `<name>.ts` holds the parts of that command, `bench/` all of its commands. `run` and
 * `sweep` are pipelines both.
 */
const RECIPES = readdirSync(new URL('src/recipes', import.meta.url));
const ALSO_USED_BY = { pipeline: ['sweep'] };

const isCommand = (folder) => folder === 'bench' || RECIPES.includes(`${folder}.ts`);

const parts = RECIPES.filter(isCommand).map((folder) => {
  const users = [folder, ...(ALSO_USED_BY[folder] ?? [])].join('|');
  return {
    name: `parts-of-${folder}`,
    comment: `recipes/${folder}/ holds the parts of its command: what others use stands in a folder that is shared.`,
    severity: 'error',
    from: { path: '^src/recipes/', pathNot: `^src/recipes/(${users})([.]ts$|/)` },
    to: { path: `^src/recipes/${folder}/` },
  };
});

export default {
  forbidden: [
    ...layers,
    ...doors,
    ...indexes,
    ...parts,
    {
      name: 'known-folder',
      comment: 'A new folder of src/ needs a line in FOLDERS.',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: anyOf(Object.keys(FOLDERS)) },
      to: {},
    },
    {
      name: 'recipes-on-demand',
      comment:
        'A command loads its recipe when it runs: the program starts, helps and completes at once.',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: {
        path: '^src/recipes/',
        pathNot: '^src/recipes/(interrupt|grade/results)[.]ts$',
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'rollout-takes-the-spec-only',
      comment: 'The sampler shares the architecture with the trainer, never its tensors.',
      severity: 'error',
      from: { path: '^src/rollout/' },
      to: { path: '^src/model/', pathNot: '^src/model/spec(-modules|-experts)?[.]ts$' },
    },
    {
      name: 'a-run-knows-no-page',
      comment: 'A run folder and its rows are written without those who show them.',
      severity: 'error',
      from: { path: '^src/report/(run|rows)/' },
      to: { path: '^src/report/', pathNot: '^src/report/(run|rows)/' },
    },
    {
      name: 'no-circular',
      comment: 'A circle has no order in which it could be read or loaded.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-test-import',
      comment: 'The program never depends on its tests or maintenance scripts.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|scripts)/' },
    },
    {
      name: 'suite-of-its-own',
      comment: 'What two suites of tests use stands in test/support/.',
      severity: 'error',
      from: { path: '^test/(unit/[^/]+|[^/]+)/' },
      to: { path: '^test/', pathNot: ['^test/$1/', '^test/support/'] },
    },
    {
      name: 'no-orphan',
      comment: 'A file that nothing imports and that imports nothing is left over.',
      severity: 'error',
      from: {
        orphan: true,
        path: '^(src|test)/',
        pathNot: ['[.]d[.]ts$', '[.]cjs$', '^test/fixtures/', '-child[.]ts$'],
      },
      to: {},
    },
    {
      name: 'reachable-from-an-entry',
      comment: 'Every source file serves the program or the library.',
      severity: 'error',
      from: { path: '^src/(cli/main|index|rollout/child/main)[.]ts$' },
      to: {
        path: '^src/',
        reachable: false,
        pathNot: ['[.](cjs|d[.]ts)$', '^src/(cli/main|index|rollout/child/main)[.]ts$'],
      },
    },
    {
      name: 'declared-dependency',
      comment: 'What src/ imports stands in package.json under dependencies.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
