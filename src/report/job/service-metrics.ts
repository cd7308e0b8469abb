/** What a fine-tuning service calls the metrics of a run (the service's guides). */

interface ServiceName {
  /** In the events of our own runs. */
  readonly said: string;
  /** Where an event of the service may have it, the first that is a number. */
  readonly read: readonly string[];
}

const name = (said: string, read: readonly string[] = [said]): ServiceName => ({ said, read });

/** By our name. */
export const SERVICE_METRICS: Readonly<Record<string, ServiceName>> = {
  reward: name('train_reward_mean', ['train_reward_mean', 'train_mean_reward']),
  'eval/reward': name('valid_reward_mean', ['valid_reward_mean', 'full_valid_mean_reward']),
  loss: name('train_loss'),
  'eval/loss': name('valid_loss', ['full_valid_loss', 'valid_loss']),
  mean_token_accuracy: name('train_mean_token_accuracy', [
    ...['train_mean_token_accuracy', 'train_accuracy'],
  ]),
  'eval/mean_token_accuracy': name('valid_mean_token_accuracy', [
    ...['full_valid_mean_token_accuracy', 'valid_mean_token_accuracy'],
  ]),
};
