/** Format reward: the four tags, in order, once each, with something between each pair. */
import { parseResponse, type Response } from './response.js';
import type { RewardFactory } from './reward.js';

/**
 * 1 when the format holds, whatever stands around it, else 0.
 * @example `<start_working_out>2+2=4<end_working_out><SOLUTION>4</SOLUTION>` scores 1
 */
export const formatReward: RewardFactory =
  ({ tags }) =>
  (completion) =>
    followsFormat(parseResponse(completion, tags)) ? 1 : 0;

/** Whether a response has the whole format. */
export const followsFormat = ({ inOrder, reasoning, solution }: Response): boolean =>
  inOrder && reasoning !== null && solution !== null;
