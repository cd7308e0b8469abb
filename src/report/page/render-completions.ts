/** Completions as HTML: examples as cards, and all of a section behind a filter. */
import { mean } from '../../util/numbers.js';
import { formatCell } from '../text-table.js';
import { element, escapeHtml } from './html.js';
import type { Completion, CompletionsSection, Example, PromptCompletions } from './report-types.js';

/** Characters of a prompt that stand in its line. */
const LINE = 160;

export function exampleHtml(example: Example): string {
  const { prompt, gold } = example;
  return element(
    'article',
    '',
    element('header', '', chips(example)) +
      element('pre', 'prompt', escapeHtml(prompt)) +
      completionHtml(example, gold),
  );
}

/** @param gold shown with the facts; null and undefined show none */
function completionHtml({ completion, facts }: Completion, gold?: string | null): string {
  const footer = [
    ...goldText(gold),
    ...facts.map(({ label, value }) => `${label} ${value}`.trim()),
  ].join(' · ');
  return element('pre', '', escapeHtml(completion)) + element('footer', '', escapeHtml(footer));
}

const goldText = (gold?: string | null): string[] =>
  gold === undefined || gold === null ? [] : [`gold ${gold}`];

function chips(completion: Completion): string {
  const parts = completion.parts.map(({ name, score, status }) => {
    const text = status === 'ok' ? `${name} ${formatCell(score)}` : `${name} ${status}`;
    return element('span', status === 'error' ? 'chip bad' : 'chip', escapeHtml(text));
  });
  return [...verdict(completion), ...parts].join('');
}

/** The reward and the grade. */
function verdict(completion: Completion): string[] {
  const { name, correct } = completion;
  const reward = rewardText(completion);
  return [
    ...(name === undefined ? [] : [element('span', 'reward', escapeHtml(name))]),
    ...(reward === null ? [] : [element('span', 'reward', reward)]),
    ...(typeof correct === 'boolean' ? [gradeChip(correct ? 'correct' : 'wrong')] : []),
  ];
}

/** Null where a grade says it all. */
function rewardText({ reward, correct }: Completion): string | null {
  if (typeof reward === 'number') return `reward ${formatCell(reward)}`;
  return reward === undefined && typeof correct === 'boolean' ? null : 'not graded';
}

type Grade = 'correct' | 'wrong' | 'ungraded';

const GRADES = { correct: 'correct', wrong: 'wrong', ungraded: 'not graded' } as const;

const gradeOf = ({ correct }: Completion): Grade =>
  typeof correct === 'boolean' ? (correct ? 'correct' : 'wrong') : 'ungraded';

const gradeChip = (grade: 'correct' | 'wrong'): string =>
  element('span', `chip ${grade === 'correct' ? 'good' : 'bad'}`, grade);

export function completionsHtml({ prompts }: CompletionsSection): string {
  const groups = [...new Set(prompts.map(({ group }) => group ?? ''))];
  const items = prompts.map((prompt) => promptHtml(prompt, groups.indexOf(prompt.group ?? '')));
  return element('div', 'browser', filterHtml(prompts, groups) + items.join(''));
}

/** Hidden until the page's script runs. */
function filterHtml(prompts: readonly PromptCompletions[], groups: readonly string[]): string {
  const grades = prompts.flatMap(({ completions }) => completions.map(gradeOf));
  const byGrade = Object.entries(GRADES).flatMap(([value, name]) => {
    const count = grades.filter((grade) => grade === value).length;
    return count === 0 ? [] : [{ value, name: `${name} (${count})` }];
  });
  const byGroup = groups.map((name, i) => ({ value: String(i), name }));
  const search = '<label>Search <input type="search" name="search"></label>';
  const controls = [select('Show', 'grade', byGrade), select('Group', 'group', byGroup), search];
  return `<div class="filter" role="search" hidden>${controls.join('')}<output></output></div>`;
}

/** Nothing where there is nothing to choose. */
function select(
  label: string,
  name: string,
  choices: readonly { readonly value: string; readonly name: string }[],
): string {
  if (choices.length < 2) return '';
  const options = [{ value: '', name: 'all' }, ...choices].map(
    (choice) => `<option value="${choice.value}">${escapeHtml(choice.name)}</option>`,
  );
  return `<label>${label} <select name="${name}">${options.join('')}</select></label>`;
}

function promptHtml(prompt: PromptCompletions, group: number): string {
  const { label, completions } = prompt;
  const line = prompt.prompt.trim().slice(0, LINE).replace(/\s+/g, ' ');
  const head =
    element('b', '', escapeHtml(label)) +
    promptVerdict(completions) +
    element('span', 'line', escapeHtml(line));
  const asked =
    element('pre', 'prompt', escapeHtml(prompt.prompt)) +
    goldText(prompt.gold)
      .map((text) => element('footer', '', escapeHtml(text)))
      .join('');
  const answers = completions.map(
    (one) =>
      `<article data-grade="${gradeOf(one)}">${element('header', '', chips(one))}${completionHtml(one)}</article>`,
  );
  return `<details data-group="${group}"><summary>${head}</summary>${element('div', 'asked', asked)}${answers.join('')}</details>`;
}

/** The grade of one completion, or how many of several are correct and their mean reward. */
function promptVerdict(completions: readonly Completion[]): string {
  const [first, second] = completions;
  if (first !== undefined && second === undefined) return verdict(first).join('');
  const graded = completions.flatMap(({ correct }) =>
    typeof correct === 'boolean' ? correct : [],
  );
  const right = graded.filter(Boolean).length;
  const rewards = completions.flatMap(({ reward }) => reward ?? []);
  const reward = mean(rewards);
  return [
    ...(reward === null ? [] : [element('span', 'reward', `mean reward ${formatCell(reward)}`)]),
    ...(graded.length > 0 ? [element('span', 'chip', `${right} of ${graded.length} correct`)] : []),
  ].join('');
}
