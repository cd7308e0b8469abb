import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type CheckpointStore,
  clearCheckpointParts,
  listCheckpoints,
  loadCheckpoint,
  removeLater,
  rotateCheckpoints,
  saveCheckpoint,
} from '../../../src/train/index.js';
import { InputError, RunError } from '../../../src/util/errors.js';
import { readJson, writeJson } from '../../../src/util/files.js';
import { temporaryFolder } from '../../support/temporary.js';

const shapes = [
  { name: 'a', shape: [2, 2] },
  { name: 'b', shape: [3] },
];
const fingerprint = { parameters: 'f', base: 'b', adapter: null };
const state = (step: number) => ({
  step,
  tokens: 10 * step,
  parameters: new Map([
    ['a', Float32Array.of(1, 2, 3, step)],
    ['b', Float32Array.of(0.1, -0, 1e-30)],
  ]),
  optimizer: {
    step,
    moments: { m: new Float32Array(7).fill(0.25), v: new Float32Array(7).fill(step) },
  },
  reference: null,
  evaluations: [{ step: 2, value: 0.5 }],
  metric: 'eval/loss',
});

describe('checkpoints', () => {
  let store: CheckpointStore;
  beforeEach(() => {
    const dir = temporaryFolder();
    store = { dir, shapes, fingerprint, limit: 2 };
  });
  afterEach(() => rmSync(store.dir, { recursive: true }));

  it('come back bit for bit', async () => {
    const path = await saveCheckpoint(store, state(7));
    expect(path).toBe(join(store.dir, 'step-000007'));
    expect(loadCheckpoint(path, store)).toEqual(state(7));
  });

  it('whose folder cannot be made are an error that names it', async () => {
    const place = { ...store, dir: join(store.dir, 'checkpoints') };
    symlinkSync(place.dir, place.dir);
    await expect(saveCheckpoint(place, state(1))).rejects.toThrow(
      /^\/.*step-000001: the checkpoint was not written: .* goes by a link that leads back to itself/,
    );
  });

  it('that can be neither written nor cleared away are an error that names them', async () => {
    const dir = join(store.dir, 'checkpoints');
    writeFileSync(dir, 'a file');
    await expect(saveCheckpoint({ ...store, dir }, state(1))).rejects.toThrow(
      /step-000001: the checkpoint was not written: ENOTDIR.*Earlier ones are whole: go on/,
    );
  });

  it.each([
    ['EROFS', 'make their folder writable and go on'],
    ['ENOSPC', 'make room on the disk and go on'],
    ['EIO', 'go on'],
  ])('that are not written for %s say what to do', async (code, remedy) => {
    const parameters = new Map(state(1).parameters);
    parameters.get = () => {
      throw Object.assign(new Error(`${code}: no`), { code });
    };
    await expect(saveCheckpoint(store, { ...state(1), parameters })).rejects.toThrow(
      `${code}: no. Earlier ones are whole: ${remedy} with resume=auto output_dir=${dirname(store.dir)}`,
    );
  });

  it('are rotated, oldest first', async () => {
    for (const step of [5, 10, 15]) await saveCheckpoint(store, state(step));
    expect(listCheckpoints(store.dir)).toEqual([
      join(store.dir, 'step-000010'),
      join(store.dir, 'step-000015'),
    ]);
  });

  it('keep the reference where it moves', async () => {
    const reference = new Map([
      ['a', Float32Array.of(4, 3, 2, 1)],
      ['b', Float32Array.of(0, 0, 1)],
    ]);
    const path = await saveCheckpoint(store, { ...state(7), reference });
    expect(loadCheckpoint(path, store)).toEqual({ ...state(7), reference });
  });

  it('are left by the rotation where they are to be kept', async () => {
    const names = () => listCheckpoints(store.dir).map((path) => path.slice(-2));
    for (const step of [5, 10, 15, 20]) await saveCheckpoint(store, state(step), { keep: [5] });
    expect(names()).toEqual(['05', '20']);
    await saveCheckpoint({ ...store, limit: 3 }, state(25), { keep: [20] });
    expect(names()).toEqual(['05', '20', '25']);
    await saveCheckpoint({ ...store, limit: 1 }, state(30), { keep: [5] });
    expect(names()).toEqual(['05', '30']);
  });

  it('leave no half-written folder behind and do not list one', async () => {
    const path = await saveCheckpoint(store, state(5));
    renameSync(path, join(store.dir, 'step-000003.part-99999999'));
    // Of a process that runs, an earlier version.
    const others = [`part-${process.ppid}`, 'part-1', 'part'];
    for (const part of others) mkdirSync(join(store.dir, `step-000004.${part}`));
    expect(listCheckpoints(store.dir)).toEqual([]);
    await saveCheckpoint(store, state(5));
    expect(readdirSync(store.dir)).toEqual(['step-000005']);
    expect(existsSync(join(path, 'trainer_state.json'))).toBe(true);
  });

  it('take their place again where they were to be replaced and nothing has come of it', async () => {
    const path = await saveCheckpoint(store, state(5));
    renameSync(path, `${path}.part-1.old`);
    clearCheckpointParts(store);
    expect(loadCheckpoint(path, store)).toEqual(state(5));
    mkdirSync(`${path}.part-1.old`);
    await saveCheckpoint(store, state(10));
    expect(readdirSync(store.dir)).toEqual(['step-000005', 'step-000010']);
    expect(loadCheckpoint(path, store)).toEqual(state(5));
  });

  it('are deleted so that none is there half, however that ends', async () => {
    const path = await saveCheckpoint(store, state(5));
    await saveCheckpoint(store, state(10));
    // Stands where the first would be put aside.
    mkdirSync(join(`${path}.part-${process.pid}`, 'full'), { recursive: true });
    const one = { ...store, limit: 1 };
    expect(() => rotateCheckpoints(one, {})).toThrow(/older checkpoint cannot be deleted/);
    expect(loadCheckpoint(path, store)).toEqual(state(5));
    clearCheckpointParts(store);
    rotateCheckpoints(one, {});
    expect(readdirSync(store.dir)).toEqual(['step-000010']);
  });

  it('of later steps go, and one that cannot is said', async () => {
    for (const step of [5, 10]) await saveCheckpoint(store, state(step));
    const later = join(store.dir, 'step-000010');
    const aside = `${later}.part-${process.pid}`;
    mkdirSync(join(aside, 'full'), { recursive: true });
    expect(() => removeLater(store, 5)).toThrow(RunError);
    expect(() => removeLater(store, 5)).toThrow(/step-000010: the later checkpoint cannot be del/);
    rmSync(aside, { recursive: true });
    removeLater(store, 5);
    expect(readdirSync(store.dir)).toEqual(['step-000005']);
  });

  it('are an error where what is left of one cannot be cleared away', async () => {
    const path = await saveCheckpoint(store, state(5));
    renameSync(path, `${path}.part-1.old`);
    // A folder cannot take the place of a link.
    symlinkSync(join(store.dir, 'nowhere'), path);
    const clear = () => clearCheckpointParts(store);
    expect(clear).toThrow(RunError);
    expect(clear).toThrow(/cleared away \(ENOTDIR.*move step-000005\.part-1\.old elsewhere/s);
  });

  const rejected: readonly [string, (path: string) => void, RegExp][] = [
    ['a missing file', (path) => rmSync(join(path, 'optimizer.safetensors')), /half-written/],
    ['a missing state', (path) => rmSync(join(path, 'trainer_state.json')), /half-written/],
    ['a cut file', (path) => truncateSync(join(path, 'optimizer.safetensors'), 90), /damaged/],
  ];
  it.each(rejected)('are refused with %s', async (_, damage, message) => {
    const path = await saveCheckpoint(store, state(5));
    damage(path);
    expect(() => loadCheckpoint(path, store)).toThrow(InputError);
    expect(() => loadCheckpoint(path, store)).toThrow(message);
  });

  it.each([
    [{ parameters: 'g' }, /another model/],
    [{ base: 'c' }, /another base, by its architecture or the values or type of its weights/],
    [{ adapter: 'a' }, /another adapter/],
  ])('are refused for %o', async (other, message) => {
    const path = await saveCheckpoint(store, state(5));
    const asked = { ...store, fingerprint: { ...fingerprint, ...other } };
    expect(() => loadCheckpoint(path, asked)).toThrow(message);
  });

  it('are refused where they do not say of which base', async () => {
    const path = await saveCheckpoint(store, state(5));
    const file = join(path, 'trainer_state.json');
    writeJson(file, { ...(readJson(file) as object), fingerprint: 'f' });
    expect(() => loadCheckpoint(path, store)).toThrow(/trainer_state\.json is malformed/);
  });
});
