/** Currencies that an answer names by sign or word: $5 is no way to write 5 cents, nor 5 €. */

const CURRENCIES: Readonly<Record<string, RegExp>> = {
  dollar: /\\(?:dollar|\$)|\bdollars?\b/i,
  cent: /¢|\\cent\b|(?<!\bper )\bcents?\b/i,
  euro: /€|\beuros?\b/i,
  pound: /£|\\pounds\b/,
  yen: /¥|\byen\b/i,
};

/** Whether both name currencies, and none in common. */
export function currenciesDiffer(a: string, b: string): boolean {
  const [left, right] = [currenciesOf(a), currenciesOf(b)];
  return left.length > 0 && right.length > 0 && !left.some((name) => right.includes(name));
}

function currenciesOf(text: string): readonly string[] {
  const named = Object.keys(CURRENCIES).filter((name) => CURRENCIES[name]?.test(text));
  return isPriced(text) ? ['dollar', ...named] : named;
}

/** `$5`: a dollar sign before digits that is no half of a pair of delimiters. */
function isPriced(text: string): boolean {
  const signs = text.match(/(?<!\\)\$/g) ?? [];
  return signs.length % 2 === 1 && /(?<!\\)\$ ?[\d.]/.test(text);
}
