/** What a fine-tuning job is made of, read and checked: its rows, its grader, its settings. */
import { existsSync } from 'node:fs';
import {
  inputPaths,
  type OpenaiConfig,
  openaiHyperparameters,
  openaiSchema,
  parseGrader,
} from '../../config/index.js';
import { readRowFile } from '../../data/index.js';
import {
  checkGraderTypes,
  itemFields,
  type JobOptions,
  type Upload,
  uploadOf,
} from '../../remote/index.js';
import { graderTypes } from '../../rewards/index.js';
import { counted } from '../../util/counted.js';
import { InputError } from '../../util/errors.js';
import { type JsonRow, readJson } from '../../util/files.js';

export interface JobInputs {
  readonly training: Upload;
  readonly validation: Upload | null;
  /** Without the metadata, which the run adds. */
  readonly options: Omit<JobOptions, 'metadata'>;
}

/** @throws InputError naming file, line and field of what the service would refuse */
export async function jobInputs(config: OpenaiConfig): Promise<JobInputs> {
  const { method, model, suffix, seed, training_file, validation_file } = config;
  const grader = graderOf(config);
  const fields = grader === null ? [] : itemFields(grader);
  const read = async (path: string, isTraining: boolean) => {
    const rows = await readRowFile(path);
    return uploadOf({ path, ...rows }, { method, itemFields: fields, isTraining });
  };
  return {
    training: await read(training_file, true),
    validation: validation_file === null ? null : await read(validation_file, false),
    options: {
      method,
      model,
      suffix,
      seed,
      grader,
      hyperparameters: openaiHyperparameters(config),
      responseFormat: config.response_format,
    },
  };
}

/** Sent as it stands in the file, once it is known to be one that the service takes. */
function graderOf({ grader_file: file }: OpenaiConfig): JsonRow | null {
  if (file === null) return null;
  const value = readJson(file);
  checkGraderTypes(graderTypes(parseGrader(value, file)), file);
  return value as JsonRow;
}

/** Lines about the files of a job, for `--dry-run` and logs. */
export function uploadLine(path: string, upload: Upload): string {
  const { rows, bytes, converted, leftOut } = upload;
  const forms = converted > 0 ? `, ${converted} brought to the service's form` : '';
  const columns = leftOut.length > 0 ? `, without the columns ${leftOut.join(', ')}` : '';
  return `${path}: ${counted(rows, 'row')}, ${counted(bytes, 'byte')}, about ${counted(Math.ceil(bytes / 4), 'token')}${forms}${columns}`;
}

/** A file that an earlier stage makes may not be there when a run is planned. */
export function absentInput(config: OpenaiConfig): string | null {
  return inputPaths(openaiSchema, config).find((path) => !existsSync(path)) ?? null;
}

/** @throws InputError when the folder's job is of other files */
export function checkSame(
  kept: { readonly filename: string } | null,
  upload: Upload,
  path: string,
): void {
  if (kept === null || kept.filename === upload.filename) return;
  throw new InputError({
    where: path,
    problem: 'its rows have changed since the job of this folder was made',
    remedy: 'Give overwrite=true for a new job, or another output_dir',
  });
}
