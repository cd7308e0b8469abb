/** Expected values in test/fixtures/peft come from peft itself (scripts/golden/peft_configs.py). */
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/util/errors.js';
import { readJson, writeJson } from '../../../src/util/files.js';
import type { BaseLinear } from '../../../src/weights/check-adapter.js';
import {
  type Adapter,
  adapterHash,
  checkAdapter,
  fromFloat32,
  idleNames,
  type LoraConfig,
  loraConfig,
  readAdapter,
  readSafetensors,
  resolveTargets,
  toFloat32,
  writeAdapter,
  writeSafetensors,
} from '../../../src/weights/index.js';
import { readLoraConfig } from '../../../src/weights/lora-config.js';
import { temporaryFolder } from '../../support/temporary.js';

const FIXTURES = join(import.meta.dirname, '../../fixtures/peft');
const FIXTURE_ADAPTER = join(FIXTURES, 'adapter');

interface Case {
  config: Record<string, unknown>;
  targets: { module: string; r: number; scale: number }[];
}
const { linears, cases } = readJson(join(FIXTURES, 'targets.json')) as {
  linears: string[];
  cases: Case[];
};

const LINEARS: BaseLinear[] = [0, 1].flatMap((layer) => [
  { module: `model.layers.${layer}.self_attn.q_proj`, inFeatures: 8, outFeatures: 8 },
  { module: `model.layers.${layer}.self_attn.k_proj`, inFeatures: 8, outFeatures: 4 },
  { module: `model.layers.${layer}.mlp.down_proj`, inFeatures: 12, outFeatures: 8 },
]);

/** The fixture adapter's config with some fields changed, as a file. */
function configFile(fields: Record<string, unknown>): string {
  const path = join(temporaryFolder(), 'adapter_config.json');
  writeJson(path, {
    ...(readJson(join(FIXTURE_ADAPTER, 'adapter_config.json')) as object),
    ...fields,
  });
  return path;
}

function randomAdapter(fields: Partial<LoraConfig> = {}): Adapter {
  const config = loraConfig({ r: 2, loraAlpha: 4, targetModules: 'all-linear', ...fields });
  const targets = resolveTargets(
    config,
    LINEARS.map(({ module }) => module),
  );
  const tensors = targets.map(({ module, r, scale }, i) => {
    const { inFeatures, outFeatures } = LINEARS.find((linear) => linear.module === module)!;
    const fill = (length: number) => Float32Array.from({ length }, (_, j) => i + j / 16);
    const a = fromFloat32(fill(r * inFeatures), [r, inFeatures]);
    const b = fromFloat32(fill(outFeatures * r), [outFeatures, r]);
    return [module, { a, b, scale }] as const;
  });
  return { config, baseModel: 'base', revision: 'main', tensors: new Map(tensors) };
}

describe('resolveTargets', () => {
  it.each(cases)('agrees with peft on $config', ({ config, targets }) => {
    const found = resolveTargets(
      readLoraConfig(configFile({ rank_pattern: {}, alpha_pattern: {}, ...config })).config,
      linears,
    );
    const expected = targets.map(({ module, r, scale }) => ({ module, r, scale }));
    expect(found.map(({ module, r, scale }) => ({ module, r, scale }))).toEqual(expected);
  });

  it('refuses targets that name nothing, and patterns that are none', () => {
    const resolve = (fields: Partial<LoraConfig>) => () =>
      resolveTargets(
        loraConfig({ r: 1, loraAlpha: 1, targetModules: ['q_proj'], ...fields }),
        linears,
      );
    expect(resolve({})).not.toThrow();
    expect(resolve({ targetModules: ['q_proj', 'qproj'] })).not.toThrow();
    expect(resolve({ targetModules: ['qproj'] })).toThrow(/selects none of 15 linear modules/);
    expect(resolve({ targetModules: 'q_proj,v_proj' })).toThrow(
      /a list of names such as \[down_proj, .*\]; a text by itself is a pattern of whole names/,
    );
    expect(resolve({ targetModules: '.*nothing' })).toThrow(/selects none of 15 linear modules/);
    expect(resolve({ excludeModules: ['q_proj'] })).toThrow(/selects none/);
    expect(resolve({ targetModules: '(' })).toThrow(/target_modules: "\(" is not a regular/);
  });
});

describe('idleNames', () => {
  const idle = (fields: Partial<LoraConfig>) => {
    const config = { r: 1, loraAlpha: 1, targetModules: ['q_proj', 'v_proj'], ...fields };
    return idleNames(loraConfig(config), linears).map(
      ({ field, problem, remedy }) => `${field}: ${problem}. ${remedy}`,
    );
  };

  it('are none of keys that match a module with LoRA, as PEFT matches them', () => {
    expect(idle({ rankPattern: { q_proj: 2, 'layers.0.self_attn.v_proj': 4 } })).toEqual([]);
    expect(idle({ alphaPattern: { '.*self_attn.*': 8 } })).toEqual([]);
    expect(idle({ targetModules: 'model.*q_proj' })).toEqual([]);
  });

  it('are all that stand for nothing', () => {
    const own = 'matches no module with LoRA. Those are q_proj, v_proj';
    const all =
      'The model has down_proj, gate_proj, k_proj, lm_head, o_proj, q_proj, up_proj, v_proj';
    const targetModules = ['q_proj', 'v_proj', 'qproj', 'w2'];
    expect(idle({ targetModules, rankPattern: { q_proj: 2, qproj: 4 } })).toEqual([
      `target_modules: "qproj" names no linear module. ${all}`,
      `target_modules: "w2" names no linear module. ${all}`,
      `rank_pattern: "qproj" ${own}`,
    ]);
    expect(idle({ rankPattern: { down_proj: 4 } })).toEqual([`rank_pattern: "down_proj" ${own}`]);
    expect(idle({ alphaPattern: { 'q_proj.weight': 4, proj: 4 } })).toEqual([
      `alpha_pattern: "q_proj.weight" ${own}`,
      `alpha_pattern: "proj" ${own}`,
    ]);
  });
});

describe('readLoraConfig', () => {
  it.each([
    ['peft_type', 'LOHA'],
    ['ensure_weight_tying', true],
    ['bias', 'some'],
    ['fan_in_fan_out', true],
    ['layer_replication', [[0, 4]]],
    ['init_lora_weights', 'pissa'],
    ['r', 0],
    ['r', 'eight'],
    ['target_modules', 3],
    ['rank_pattern', { q_proj: 0 }],
  ])('refuses %s = %j by name', (field, value) => {
    const path = configFile({ [field]: value });
    expect(() => readLoraConfig(path)).toThrow(InputError);
    expect(() => readLoraConfig(path)).toThrow(new RegExp(`adapter_config\\.json: .*${field}`));
  });

  it.each([
    ['r', 0, '0, expected a positive integer'],
    ['bias', 'some', '"some", expected none, all, lora_only'],
    ['target_modules', '[', '"[", expected a list of names or a regular expression'],
    ['layers_to_transform', ['a'], '["a"], expected a number, or a list of such'],
    [
      'rank_pattern',
      { '(': 2 },
      '{"(":2}, expected a mapping of regular expressions, each to a positive integer',
    ],
  ])('says what %s = %j should be, and in which file', (field, value, problem) => {
    const path = configFile({ [field]: value });
    expect(() => readLoraConfig(path)).toThrow(`${path}: field "${field}" is ${problem}`);
  });

  it('accepts the neutral values of unsupported fields', () => {
    const path = configFile({ use_dora: null, modules_to_save: [], init_lora_weights: 'gaussian' });
    expect(readLoraConfig(path).config.initLoraWeights).toBe('gaussian');
  });

  it('says which field is missing', () => {
    const path = configFile({ r: undefined });
    expect(() => readLoraConfig(path)).toThrow(/field "r" is missing/);
  });
});

describe('readAdapter', () => {
  it('reads what peft saved, with the scales of its patterns', () => {
    const adapter = readAdapter(FIXTURE_ADAPTER, { base: LINEARS });
    expect(adapter.baseModel).toBe('tiny-llama');
    const scales = Object.fromEntries(
      [...adapter.tensors].map(([name, { scale }]) => [name, scale]),
    );
    expect(scales).toEqual({
      'model.layers.0.mlp.down_proj': 6 / 2,
      'model.layers.1.mlp.down_proj': 6 / 2,
      'model.layers.0.self_attn.q_proj': 6 / 4,
      'model.layers.1.self_attn.q_proj': 10 / 4,
    });
    const { a, b } = adapter.tensors.get('model.layers.1.mlp.down_proj')!;
    expect([a.shape, b.shape]).toEqual([
      [2, 12],
      [8, 2],
    ]);
    expect([...toFloat32(b)]).toEqual(Array.from({ length: 16 }, (_, i) => i / 8));
  });

  /** The fixture adapter with its tensors changed. */
  const changed = (edit: (file: ReturnType<typeof readSafetensors>) => void): string => {
    const dir = temporaryFolder();
    cpSync(FIXTURE_ADAPTER, dir, { recursive: true });
    const path = join(dir, 'adapter_model.safetensors');
    const file = readSafetensors(path);
    edit(file);
    writeSafetensors(path, file);
    return dir;
  };
  const key = (module: string, side: string) => `base_model.model.${module}.lora_${side}.weight`;
  const Q0 = 'model.layers.0.self_attn.q_proj';

  it('names missing, unexpected and misshapen tensors', () => {
    const oneSided = changed((file) => file.delete(key(Q0, 'B')));
    expect(() => readAdapter(oneSided)).toThrow(/tensor ".*q_proj\.lora_B\.weight" is missing/);
    const foreign = changed((file) =>
      file.set('base_model.model.lm_head.weight', file.get(key(Q0, 'A'))!),
    );
    expect(() => readAdapter(foreign)).toThrow(
      /unexpected tensor "lm_head\.weight"\. Neither modules_to_save nor bias/,
    );
    const untargeted = changed((file) => {
      file.set(key('model.layers.0.mlp.up_proj', 'A'), file.get(key(Q0, 'A'))!);
      file.set(key('model.layers.0.mlp.up_proj', 'B'), file.get(key(Q0, 'B'))!);
    });
    expect(() => readAdapter(untargeted)).toThrow(/unexpected tensors for ".*up_proj"/);
    const rank = changed((file) => {
      file.set(key(Q0, 'A'), fromFloat32(new Float32Array(24), [3, 8]));
    });
    expect(() => readAdapter(rank)).toThrow(/lora_A \[3, 8\] and lora_B \[8, 4\], expected rank 4/);
  });

  it('knows an adapter of another base model', () => {
    const wider = LINEARS.map((linear) => ({ ...linear, inFeatures: linear.inFeatures * 2 }));
    expect(() => readAdapter(FIXTURE_ADAPTER, { base: wider })).toThrow(
      /adapter of another base model: ".*" maps 12 to 8 features, expected 24 to 8.*made for tiny-llama/,
    );
    expect(() => readAdapter(FIXTURE_ADAPTER, { base: LINEARS.slice(0, 3) })).toThrow(
      /another base model: unexpected module "model\.layers\.1/,
    );
    const deeper = [...LINEARS, { ...LINEARS[0]!, module: 'model.layers.2.self_attn.q_proj' }];
    expect(() => readAdapter(FIXTURE_ADAPTER, { base: deeper })).toThrow(
      /another base model: no tensors for module "model\.layers\.2/,
    );
  });

  // As PEFT names them: stacked gate and up, and down; matrices of one expert; a router.
  it.each([
    'mlp.experts.base_layer',
    'block_sparse_moe.experts',
    'mlp.experts.3.gate_proj',
    'mlp.gate',
    'block_sparse_moe.router.layer',
  ])('says that %s has no LoRA, and what to do', (module) => {
    const dir = changed((file) => {
      for (const side of ['A', 'B']) {
        file.set(key(`model.layers.1.${module}`, side), file.get(key(Q0, side))!);
      }
    });
    const problem = `unexpected tensors for "model.layers.1.${module}"`;
    for (const base of [undefined, LINEARS]) {
      expect(() => readAdapter(dir, base && { base })).toThrow(
        `${problem}. Of experts, parameters that target_parameters names have LoRA, routers have none. Merge the adapter into its base with the PEFT that made it, and give the result as model`,
      );
    }
  });

  it('says that pickled adapters are not read', () => {
    const dir = temporaryFolder();
    cpSync(FIXTURE_ADAPTER, dir, { recursive: true });
    cpSync(join(dir, 'adapter_model.safetensors'), join(dir, 'adapter_model.bin'));
    rmSync(join(dir, 'adapter_model.safetensors'));
    expect(() => readAdapter(dir)).toThrow(/only adapter_model\.bin/);
  });
});

describe('writeAdapter', () => {
  it('comes back the same, with the scales of rsLoRA and patterns', () => {
    const dir = temporaryFolder();
    const adapter = randomAdapter({
      useRslora: true,
      rankPattern: { down_proj: 3 },
      loraDropout: 0.1,
    });
    writeAdapter(dir, adapter);
    const back = readAdapter(dir, { base: LINEARS });
    expect(back.tensors).toEqual(adapter.tensors);
    expect(back.tensors.get('model.layers.0.mlp.down_proj')!.scale).toBe(4 / Math.sqrt(3));
    expect(back.revision).toBe('main');
    // all-linear is written as names, in the order of the alphabet.
    expect(back.config).toEqual({
      ...adapter.config,
      targetModules: ['down_proj', 'k_proj', 'q_proj'],
    });
    expect(adapterHash(back)).toBe(adapterHash(adapter));
  });

  it('writes a pattern as the names that it matched', () => {
    const dir = temporaryFolder();
    writeAdapter(dir, randomAdapter({ targetModules: '.*1\\.mlp.*' }));
    expect(readAdapter(dir).config.targetModules).toEqual(['model.layers.1.mlp.down_proj']);
  });

  it('writes every field of the config that peft acts on', () => {
    const dir = temporaryFolder();
    writeAdapter(dir, randomAdapter());
    const written = readJson(join(dir, 'adapter_config.json')) as Record<string, unknown>;
    const byPeft = readJson(join(FIXTURE_ADAPTER, 'adapter_config.json')) as Record<
      string,
      unknown
    >;
    expect(written).toMatchObject({
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      base_model_name_or_path: 'base',
      inference_mode: true,
      r: 2,
      lora_alpha: 4,
      bias: 'none',
    });
    for (const field of Object.keys(written)) expect(byPeft).toHaveProperty(field);
  });

  it('gives the same bytes for the same adapter', () => {
    const [one, two] = [temporaryFolder(), temporaryFolder()];
    writeAdapter(one, randomAdapter());
    writeAdapter(two, randomAdapter());
    for (const name of ['adapter_config.json', 'adapter_model.safetensors']) {
      expect(readFileSync(join(one, name))).toEqual(readFileSync(join(two, name)));
    }
  });
});

describe('adapterHash', () => {
  it('changes with one bit, with a scale and with a name, and with nothing else', () => {
    const adapter = randomAdapter();
    const hash = adapterHash(adapter);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    const edited = (edit: (tensors: Map<string, typeof first>) => void): string => {
      const tensors = new Map(adapter.tensors);
      edit(tensors);
      return adapterHash({ ...adapter, tensors });
    };
    const [name, first] = [...adapter.tensors][0]!;
    const flipped = first.a.bytes.slice();
    flipped[5] = flipped[5]! ^ 1;
    const hashes = [
      edited((tensors) => tensors.set(name, { ...first, a: { ...first.a, bytes: flipped } })),
      edited((tensors) => tensors.set(name, { ...first, scale: first.scale / 2 })),
      edited((tensors) => tensors.delete(name) && tensors.set('other', first)),
    ];
    expect(new Set([hash, ...hashes]).size).toBe(4);
    const reversed = new Map([...adapter.tensors].reverse());
    expect(adapterHash({ ...adapter, baseModel: null, tensors: reversed })).toBe(hash);
  });
});

describe('checkAdapter', () => {
  it('accepts an adapter of this base', () => {
    expect(() => checkAdapter(randomAdapter(), LINEARS, 'here')).not.toThrow();
  });
});
