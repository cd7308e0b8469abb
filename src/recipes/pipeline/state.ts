/**
 * What a pipeline remembers of a stage: `<root>/stages/<id>.json`, beside the resolved config it ran
 * with. The content hash covers the config, the input files, and the hashes of the stages before it.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isHandling } from '../../config/index.js';
import { InputError } from '../../util/errors.js';
import { sha256, writeJson } from '../../util/files.js';
import { canonicalJson } from '../../util/json-object.js';
import { readRecord } from '../../util/own-files.js';
import { pathIdentity } from '../inputs/path-identity.js';
import { outputStamp } from './output-stamp.js';
import type { Stage } from './stages.js';

export type StageStatus = 'running' | 'done' | 'failed' | 'interrupted';

export interface StageState {
  readonly hash: string;
  readonly status: StageStatus;
  /** Of all sessions that have ended, where later ones went on from earlier ones. */
  readonly seconds: number;
  readonly exit_code: number | null;
  readonly result: unknown;
  /** Every output that the stage has written, now or under an earlier config: these are its own to replace. */
  readonly outputs: readonly string[];
  /** While it runs: what it was before, and is still if it is killed while the output has this stamp. */
  readonly before?: {
    readonly output: string;
    readonly stamp: string;
    readonly state: StageState | null;
  };
}

const stateFile = (root: string, id: string): string => join(root, 'stages', `${id}.json`);
export const configFile = (root: string, id: string): string => join(root, 'stages', `${id}.yaml`);

function readState(root: string, id: string): StageState | null {
  const path = stateFile(root, id);
  if (!existsSync(path)) return null;
  return readRecord<StageState>(path, {
    fields: { hash: 'string', status: 'string', seconds: 'number', outputs: 'list' },
    remedy: 'Delete it and what the stage has written, and the stage runs again',
  });
}

/** A stage that was killed before it has written anything is what it was before. */
function settled(state: StageState | null): StageState | null {
  if (state?.before === undefined) return state;
  const { before, ...own } = state;
  return outputStamp(before.output) === before.stamp ? before.state : own;
}

/** @param state null: as if the stage had never run. */
export function writeState(root: string, id: string, state: StageState | null): void {
  if (state === null) rmSync(stateFile(root, id), { force: true });
  else writeJson(stateFile(root, id), state);
}

function stageHash(stage: Stage, upstreamHash: (id: string) => string): string {
  const config = Object.fromEntries(
    Object.entries(stage.config).filter(([key]) => !isHandling(key)),
  );
  return sha256(
    canonicalJson({
      command: stage.command,
      config,
      inputs: stage.inputs.map((path) => [path, pathIdentity(path)]),
      upstream: stage.upstream.map((id) => [id, upstreamHash(id)]),
    }),
  );
}

/** What would be done with a stage, and why. */
export interface StagePlan {
  readonly hash: string;
  readonly action: 'skip' | 'run' | 'resume' | 'redo';
  readonly reason: string;
  readonly previous: StageState | null;
}

export function planStage(
  root: string,
  stage: Stage,
  upstreamHash: (id: string) => string,
): StagePlan {
  const hash = stageHash(stage, upstreamHash);
  const previous = settled(readState(root, stage.id));
  const plan = (action: StagePlan['action'], reason: string): StagePlan => ({
    hash,
    action,
    reason,
    previous,
  });
  if (previous === null) return plan('run', 'new');
  const isOther = stage.output !== null && !previous.outputs.includes(stage.output);
  if (isOther && outputStamp(stage.output) !== '') return plan('run', 'its output is another');
  if (previous.hash !== hash) {
    checkFiles(stage, previous);
    return plan('redo', isOther ? 'its output is another' : 'its config or inputs changed');
  }
  if (previous.status !== 'done') return plan('resume', `was ${previous.status}`);
  if (stage.output !== null && !existsSync(stage.output)) return plan('redo', 'its output is gone');
  const lost = stage.files.find((path) => !existsSync(path));
  if (lost !== undefined) return plan('redo', `${lost} is gone`);
  return plan('skip', 'done');
}

/** @throws InputError on a file in the place of one that the stage is to write, which it has not made itself */
function checkFiles({ id, files, where }: Stage, { outputs }: StageState): void {
  const other = files.find((path) => !outputs.includes(path) && existsSync(path));
  if (other === undefined) return;
  throw new InputError({
    where,
    problem: `stage ${id} would replace ${other}, which it has not made`,
    remedy: 'Move that file away, or give the stage another path',
  });
}
