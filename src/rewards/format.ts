/** Format reward: the four tags, in order, once each, with something between each pair. */
import { parseResponse, type Response } from './response.js';
import type { RewardFactory } from './reward.js';

/** Graded score of one tag that stands exactly once. The whole format scores 1. */
const TAG_SHARE = 0.2;

/**
 * 1 when the format holds, else 0. With `gradedFormat`, a broken format scores 0.2 for each tag that
 * stands exactly once: tags that are missing or repeated earn nothing. With `onlyTags`, text outside
 * the tags breaks the format.
 * @example `<start_working_out>2+2=4<end_working_out><SOLUTION>4</SOLUTION>` scores 1;
 *   `<SOLUTION>4</SOLUTION>` scores 0, graded 0.4
 */
export const formatReward: RewardFactory = ({ tags, gradedFormat, onlyTags }) => {
  return (completion) => {
    const response = parseResponse(completion, tags);
    if (followsFormat(response, onlyTags)) return 1;
    return gradedFormat ? TAG_SHARE * response.once.filter(Boolean).length : 0;
  };
};

/** Whether a response has the whole format. */
export function followsFormat(response: Response, onlyTags = false): boolean {
  const { inOrder, reasoning, solution, hasTextOutside } = response;
  return inOrder && reasoning !== null && solution !== null && !(onlyTags && hasTextOutside);
}
