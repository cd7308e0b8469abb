/** What a run can report to beside its own files. */
export const TRACKERS = ['tensorboard', 'wandb', 'mlflow'] as const;

export type TrackerName = (typeof TRACKERS)[number];
