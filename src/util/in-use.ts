/** What to do where an output is there already, and where a stopped call has left a part of one. */

/** @param another keys that name another place for it */
export const inUseRemedy = (another: string, { mayResume = false } = {}): string =>
  `Give overwrite=true to replace it,${mayResume ? ' resume=auto to go on,' : ''} or another ${another}`;

export const GO_ON = 'Go on with resume=auto, or start anew with overwrite=true';

/** What a call is given to go on with the run of a folder. */
export const resumeKeys = (dir: string): string => `resume=auto output_dir=${dir}`;
