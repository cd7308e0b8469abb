/** The name by which a server knows a model: of a folder of `lorikeet openai`, that of the tuned model. */
import { readRemoteRecord } from '../../report/index.js';
import { InputError } from '../../util/errors.js';

/** @throws InputError when the folder's job has no model yet */
export function nameAtServer(name: string): string {
  const remote = readRemoteRecord(name);
  if (remote === null) return name;
  const tuned = remote.job?.fine_tuned_model ?? null;
  if (tuned !== null) return tuned;
  throw new InputError({
    where: name,
    problem: `its job is ${remote.job?.status ?? 'not made yet'} and has no model`,
    remedy: 'Wait for its end: lorikeet openai … resume=auto',
  });
}
