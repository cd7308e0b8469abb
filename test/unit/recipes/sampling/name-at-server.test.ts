/** The folder of a remote job stands for the model that it has tuned. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { nameAtServer } from '../../../../src/recipes/sampling/name-at-server.js';
import { temporaryFolder } from '../../../support/temporary.js';

const RECORD = {
  service: 'openai',
  base_url: 'http://x/v1',
  api_key_env: 'KEY',
  timeout_s: 60,
  max_attempts: 4,
  marker: 'm',
  is_requested: true,
  training_file: null,
  validation_file: null,
  checkpoints: [],
};

let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});

const write = (job: object | null) =>
  writeFileSync(join(dir, 'remote.json'), JSON.stringify({ ...RECORD, job }));

it('names the tuned model, and leaves other names alone', () => {
  write({ id: 'ftjob-1', status: 'succeeded', fine_tuned_model: 'ft:gpt:acme::1' });
  expect(nameAtServer(dir)).toBe('ft:gpt:acme::1');
  expect(nameAtServer('gpt-4o-mini')).toBe('gpt-4o-mini');
});

it('says why there is none yet', () => {
  write({ id: 'ftjob-1', status: 'running', fine_tuned_model: null });
  expect(() => nameAtServer(dir)).toThrow(/its job is running and has no model.*resume=auto/);
  write(null);
  expect(() => nameAtServer(dir)).toThrow(/not made yet/);
});

it('names the file and the field of a record that is broken', () => {
  write({ id: 7, status: 'running' });
  expect(() => nameAtServer(dir)).toThrow(
    /remote.json: job: field "id" is 7, and should be of type string. Put the file back/,
  );
  writeFileSync(join(dir, 'remote.json'), '[]');
  expect(() => nameAtServer(dir)).toThrow(/remote.json: is not a JSON object. Put the file back/);
});
