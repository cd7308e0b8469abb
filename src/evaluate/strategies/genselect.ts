/**
 * Generative selection: the model reads its own solutions and names the best (Moshkov et al. 2025,
 * AIMO-2 winning solution, arXiv 2504.16891). Where they exceed the context, a tournament: the winners of
 * groups that fit meet again. Groups are as large as leaves room for a whole reply; where not even two
 * fit so, the reply is shorter. A reply that names none falls back to a vote of all candidates for the
 * answers in its group, and is counted.
 */
import { partiesOf } from '../majority.js';
import { chooseByVote } from './choose.js';
import { pickIn, selectionPrompt } from './selection-prompt.js';
import type { Candidate, Means, Problem, StrategyOptions } from './types.js';

/** Tokens that a reply needs to name a solution. */
const SHORTEST_REPLY = 64;

export interface Selection {
  readonly chosen: number | null;
  readonly selections: number;
  readonly invalid: number;
  readonly tokens: number;
  readonly isOutOfTokens: boolean;
}

interface Tournament {
  readonly problem: Problem;
  readonly candidates: readonly Candidate[];
  /** How many candidates gave an answer, by the index of the first of them. */
  readonly votes: ReadonlyMap<number, number>;
  /** Indexes still in. */
  standing: readonly number[];
  selections: number;
  invalid: number;
  tokens: number;
  isOutOfTokens: boolean;
}

interface Match {
  readonly tournament: Tournament;
  readonly members: readonly number[];
  readonly promptIds: readonly number[];
}

type Prompted = (members: readonly number[]) => readonly number[];

/** The choice of each problem by its id. */
export async function select(
  entries: readonly { readonly problem: Problem; readonly candidates: readonly Candidate[] }[],
  means: Means,
): Promise<ReadonlyMap<string, Selection>> {
  const tournaments = entries.map((entry) => newTournament(entry));
  for (let round = 0; !means.budget.signal.aborted; round++) {
    const open = tournaments.filter(({ standing }) => standing.length > 1);
    if (open.length === 0) break;
    await playRound(open, round, means);
  }
  return new Map(tournaments.map((tournament) => [tournament.problem.id, selectionOf(tournament)]));
}

/** One candidate stands for each answer, however it is written: what all agree on needs no selection. */
function newTournament(entry: {
  readonly problem: Problem;
  readonly candidates: readonly Candidate[];
}): Tournament {
  const parties = partiesOf(entry.candidates);
  const votes = new Map(parties.map(({ first, weight }) => [first, weight]));
  return {
    ...entry,
    votes,
    standing: [...votes.keys()],
    selections: 0,
    invalid: 0,
    tokens: 0,
    isOutOfTokens: false,
  };
}

async function playRound(
  tournaments: readonly Tournament[],
  round: number,
  means: Means,
): Promise<void> {
  const matches = tournaments.flatMap((tournament) => matchesOf(tournament, means));
  const winners = new Map<Tournament, number[]>();
  const win = (tournament: Tournament, index: number) =>
    winners.set(tournament, [...(winners.get(tournament) ?? []), index]);
  const played = matches.filter(
    ({ members, promptIds }) => members.length > 1 && promptIds.length > 0,
  );
  const replies = await repliesTo(played, round, means);
  for (const match of matches) {
    const { tournament, members } = match;
    const reply = replies.get(match);
    if (reply === undefined) {
      win(tournament, voted(tournament, members));
      continue;
    }
    tournament.selections += 1;
    const pick = pickIn(reply, members.length);
    if (pick === null) tournament.invalid += 1;
    win(tournament, pick === null ? voted(tournament, members) : (members[pick] as number));
  }
  for (const tournament of tournaments) tournament.standing = winners.get(tournament) ?? [];
}

/** Groups that fit the context with their question; a group of one goes on without a match. */
function matchesOf(tournament: Tournament, { writer, options }: Means): readonly Match[] {
  const { problem, candidates, standing } = tournament;
  const unplayed: Match[] = [{ tournament, members: standing, promptIds: [] }];
  if (tokensLeft(tournament, options) < SHORTEST_REPLY) {
    tournament.isOutOfTokens = true;
    return unplayed;
  }
  const prompt: Prompted = (members) => {
    const texts = members.map((i) => candidates[i]?.text ?? '');
    return writer.ask(selectionPrompt(problem.question, texts));
  };
  for (const reply of [options.selectionTokens, SHORTEST_REPLY]) {
    const matches = grouped(tournament, { prompt, longest: writer.context - reply });
    if (matches.some(({ members }) => members.length > 1)) return matches;
  }
  return unplayed;
}

const tokensLeft = ({ candidates, tokens }: Tournament, { tokenBudget }: StrategyOptions): number =>
  (tokenBudget ?? Number.POSITIVE_INFINITY) -
  candidates.reduce((sum, candidate) => sum + candidate.tokens, tokens);

/** Neighbours together, as many as a prompt of `longest` tokens holds. */
function grouped(
  tournament: Tournament,
  { prompt, longest }: { readonly prompt: Prompted; readonly longest: number },
): readonly Match[] {
  const { standing } = tournament;
  const matches: Match[] = [];
  for (let at = 0; at < standing.length; ) {
    let members = standing.slice(at, at + 1);
    let promptIds: readonly number[] = [];
    while (at + members.length < standing.length) {
      const more = standing.slice(at, at + members.length + 1);
      const ids = prompt(more);
      if (ids.length > longest) break;
      members = more;
      promptIds = ids;
    }
    matches.push({ tournament, members, promptIds });
    at += members.length;
  }
  return matches;
}

/** Tokens that the reply in one of `count` matches of its tournament may have. */
function replyLength(match: Match, count: number, { writer, options }: Means): number {
  const room = writer.context - match.promptIds.length;
  const share = Math.floor(tokensLeft(match.tournament, options) / count);
  return Math.min(options.selectionTokens, room, Math.max(share, 1));
}

async function repliesTo(
  matches: readonly Match[],
  round: number,
  means: Means,
): Promise<ReadonlyMap<Match, string>> {
  if (matches.length === 0) return new Map();
  const { writer, budget } = means;
  const requests = matches.map((match, i) => {
    const { tournament, promptIds } = match;
    const count = matches.filter((other) => other.tournament === tournament).length;
    const maxNewTokens = replyLength(match, count, means);
    return { id: `${tournament.problem.id}/select/${round}/${i}`, promptIds, n: 1, maxNewTokens };
  });
  const completions = await writer.write(requests, { signal: budget.signal });
  const texts = new Map(completions.map((completion) => [completion.requestId, completion]));
  return new Map(
    matches.flatMap((match, i) => {
      const completion = texts.get(requests[i]?.id ?? '');
      match.tournament.tokens += completion?.ids.length ?? 0;
      return completion === undefined || completion.finishReason === 'aborted'
        ? []
        : [[match, completion.text] as const];
    }),
  );
}

/** The member whose answer most candidates gave; among equals, the first. */
function voted({ votes }: Tournament, members: readonly number[]): number {
  const votesFor = (index: number) => votes.get(index) ?? 0;
  return members.reduce((best, index) => (votesFor(index) > votesFor(best) ? index : best));
}

function selectionOf(tournament: Tournament): Selection {
  const { standing, candidates, selections, invalid, tokens, isOutOfTokens } = tournament;
  const [only] = standing;
  const chosen =
    standing.length === 1 && only !== undefined ? only : chooseByVote(candidates).chosen;
  return { chosen, selections, invalid, tokens, isOutOfTokens };
}
