/** Texts that break graders: seeded, of every kind that a policy or a broken file may bring. */
import { Rng } from '../../src/util/rng.js';

const MEGABYTE = 2 ** 20;

const SPECIAL = [
  ...['\u0000', '\ud800', '\udfff', '\ufeff', '\u202e', '\u200b', '\u0301', '𝟙', '１', '²', '½'],
  ...['\\boxed{', '}', '{', '####', '<SOLUTION>', '</SOLUTION>', '```json\n', '\n', '\t', ' '],
  ...['"', '\\', '\\u', '{{item.answer}}', '$&', '$1', '__proto__', 'constructor', 'NaN', '1e999'],
  ...[
    '-0',
    '0x10',
    '9'.repeat(400),
    '1/0',
    '\\frac{',
    '\\left(',
    '^{',
    '_',
    '(',
    ')',
    '[',
    ']',
    ',',
  ],
];

/** Bait for backtracking, and nesting. `n` is a size of up to 10⁵. */
const SHAPES: readonly ((n: number) => string)[] = [
  (n) => '{'.repeat(n),
  (n) => '{"a":'.repeat(n) + '}'.repeat(n),
  (n) => '['.repeat(n),
  (n) => '['.repeat(n) + ']'.repeat(n),
  (n) => `\\boxed{${'{'.repeat(n)}`,
  (n) => `\\boxed{${'{'.repeat(n)}1${'}'.repeat(n)}}`,
  (n) => '\\frac{1}{'.repeat(n),
  (n) => `${'('.repeat(n)}1${')'.repeat(n)}`,
  (n) => `${'a'.repeat(n)}!`,
  (n) => `${' '.repeat(n)}x`,
  (n) => `${'1,'.repeat(n)}x`,
  (n) => `${'1 '.repeat(n)}x`,
  (n) => `${'-'.repeat(n)}1`,
  (n) => '1'.repeat(n),
  (n) => `${'2^'.repeat(n)}2`,
  (n) => `1.${'0'.repeat(n)}1`,
  (n) => `answer is ${'answer is '.repeat(n)}`,
  (n) => `\`\`\`json\n${'`'.repeat(n)}`,
  (n) => '<SOLUTION>'.repeat(n),
  (n) => `<SOLUTION>${'('.repeat(n)}</SOLUTION>`,
  (n) => 'the cat '.repeat(n),
  (n) => '\ud83d'.repeat(n),
  (n) => '𝔘'.repeat(n),
  (n) => `${'1 × '.repeat(n)}1 = 1`,
  (n) => `{"factors": [${'2,'.repeat(n)}2], "reasoning": ["${'2 × '.repeat(n)}"]}`,
];

/** `count` texts; the same for the same seed. A few have a megabyte, more have 10⁵ characters. */
export function hostileTexts(count: number, seed = 1): string[] {
  const rng = Rng.of(seed, 'hostile-texts');
  const below = (n: number) => Math.floor(rng.uniform() * n);
  const soup = (length: number) =>
    Array.from({ length }, () =>
      rng.uniform() < 0.6
        ? SPECIAL[below(SPECIAL.length)]
        : String.fromCharCode(below(rng.uniform() < 0.8 ? 128 : 65536)),
    ).join('');
  const brokenJson = () => {
    const json = JSON.stringify({
      factors: [2, 3],
      algorithm: soup(2),
      reasoning: [soup(3)],
      x: null,
    });
    return json.slice(0, below(json.length));
  };
  const texts = SHAPES.map((shape) => shape(100_000));
  for (const unit of ['a', '9', ' ', '{', 'ab ', '\u0000', '\\', '1+', 'é', '</SOLUTION>']) {
    texts.push(unit.repeat(MEGABYTE / unit.length));
  }
  while (texts.length < count) {
    const kind = rng.uniform();
    if (kind < 0.5) texts.push(soup(below(40)));
    else if (kind < 0.7) texts.push(brokenJson());
    else texts.push(SHAPES[below(SHAPES.length)]!(below(kind < 0.99 ? 60 : 3000)));
  }
  return texts;
}
