/** The steps up to a job, each written into the run folder, so that a killed process repeats none of them. */
import type { OpenaiConfig } from '../../config/index.js';
import { type FineTuningClient, jobRequest, MARKER_KEY, type Upload } from '../../remote/index.js';
import type { RemoteFile, RemoteJob, RemoteRecord } from '../../report/index.js';
import type { RecipeContext } from '../context.js';
import type { RecordKeeper } from '../outputs/record-keeper.js';
import type { JobInputs } from './inputs.js';

export interface MakeOptions {
  readonly config: OpenaiConfig;
  readonly inputs: JobInputs;
  readonly service: FineTuningClient;
  readonly keeper: RecordKeeper<RemoteRecord>;
  readonly context: RecipeContext;
}

/** The job of the folder: the one it has, the one that an earlier process asked for, or a new one. */
export async function makeJob(options: MakeOptions): Promise<RemoteJob> {
  const { config, inputs, service, keeper, context } = options;
  const { job: kept } = keeper.get();
  if (kept !== null) {
    context.log(`job ${kept.id}: going on from ${kept.status}`);
    return kept;
  }
  const sent = async (upload: Upload): Promise<RemoteFile> => {
    const { isNew, ...file } = await service.upload(upload);
    context.log(`${file.filename}: ${isNew ? 'sent as' : 'there already as'} ${file.id}`);
    return file;
  };
  const training = keeper.get().training_file ?? (await sent(inputs.training));
  keeper.set({ training_file: training });
  const validation =
    inputs.validation === null
      ? null
      : (keeper.get().validation_file ?? (await sent(inputs.validation)));
  keeper.set({ validation_file: validation });
  const { marker, is_requested: isRequested } = keeper.get();
  const metadata = { ...config.metadata, [MARKER_KEY]: marker };
  const files = { training: training.id, validation: validation?.id ?? null };
  const request = jobRequest({ ...inputs.options, metadata }, files);
  keeper.set({ is_requested: true });
  const { job, isFound } = await service.createJob(request, { isRequested });
  keeper.set({ job });
  context.log(`job ${job.id}: ${isFound ? 'found, made earlier' : 'made'}`);
  return job;
}
