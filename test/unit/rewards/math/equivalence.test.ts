/** Equal and unequal answers by hand, each pair of kinds in both directions where they differ. */
import { describe, expect, it } from 'vitest';
import { answerKey, mathEquivalent } from '../../../../src/rewards/index.js';
import type { EquivalenceOptions } from '../../../../src/rewards/math/equivalence.js';

type Pair = readonly [prediction: string, gold: string];

const EQUAL: Readonly<Record<string, readonly Pair[]>> = {
  fonts: [
    ['\\mathbf{-15}', '-15'],
    ['\\boldsymbol{-3}', '-3'],
    ['\\text{-3}', '-3'],
    ['\\mathrm{-3}', '-3'],
    ['\\mathrm{−3}', '-3'],
    ['\\mathrm{ +2.5 }', '5/2'],
    ['x = \\text{-3}', '-3'],
    ['x \\approx \\text{3.5}', 'x \\approx 3.5'],
    ['(\\text{-3}, \\mathrm{0.5})', '(-3, 1/2)'],
    ['\\{\\mathrm{-3}, \\mathrm{2}\\}', '\\{2, -3\\}'],
    ['\\mathrm{-3}\\text{ cm}', '-3'],
    ['\\frac{\\text{-3}}{2}', '-1.5'],
    ['\\mathbf{1.5}', '3/2'],
    ['\\bm{x+1}', '1+x'],
    ['\\mathbf{3\\pi}', '3\\pi'],
    ['\\mathbf{2x}', '2x'],
    ['\\mathbf{(1, 2)}', '(1,2)'],
    ['5\\,\\mathbf{cm^2}', '5'],
  ],
  numbers: [
    ['1,234', '1234'],
    ['32,\\!000', '32000'],
    ['10 000', '10000'],
    ['.5', '0.50'],
    ['1.5e3', '1500'],
    ['7.8\\times 10^2', '780'],
    ['0.0078', '7.8×10⁻³'],
    ['2.625', '2⅝'],
    ['3', '∛27'],
    ['2\\sqrt[4]{3}', '2∜3'],
    ['\\frac12', '1∕2'],
    ['60^\\circ', '60º'],
    ['3:2', '3∶2'],
    ['x^{-12}', 'x⁻¹²'],
    ['$18.00', '18'],
    ['−3', '-3'],
    ['0.\\overline{3}', '\\frac13'],
    ['0.1\\overline{6}', '\\frac{1}{6}'],
    ['6 3/4', '6\\frac{3}{4}'],
    ['27/4', '6\\frac34'],
    ['3!', '6'],
    ['\\binom{5}{2}', '10'],
    ['2^{10}', '1024'],
    ['\\frac1 2', '0.5'],
    ['x^12', 'x^{12}'],
    ['\\frac{1}{3},', '\\frac{1}{3}'],
    ['**5**', '5'],
    ['1⁄2', '0.5'],
    ['{5 \\choose 2}', '10'],
    ['{n \\choose 2}', '\\binom{n}{2}'],
    ['n \\choose 2', '\\frac{n(n-1)}{2}'],
    ['{x+1 \\over 2}', '\\frac{x+1}{2}'],
    ['\\lg 1000', '3'],
    ['atan(1)', '\\frac{\\pi}{4}'],
    ['9*atan(25/12)**2', '9 \\operatorname{atan}^{2}{\\left(\\frac{25}{12} \\right)}'],
    ['\\operatorname{asin}{\\left(\\frac{1}{2} \\right)}', '\\arcsin\\frac12'],
    ['\\cos^{-1}(x)', 'acos(x)'],
    ['0x1f', '1F_{16}'],
    ['0b101', '101_2'],
  ],
  'rounded numbers': [
    ['0.08333333333333333', '\\frac{1}{12}'],
    ['2.9999999999999996', '3'],
    ['\\frac{1}{3} \\approx 0.333', '\\frac{1}{3}'],
    ['x = \\frac{1}{3} \\approx 0.333', '1/3'],
    ['\\approx 7.78', '7.78'],
    ['x \\approx 11', '11'],
  ],
  roots: [
    ['\\frac{\\sqrt{6}+\\sqrt{2}}{4}', '\\cos 15^\\circ'],
    ['\\frac{1}{\\sqrt{2}}', '\\frac{\\sqrt2}{2}'],
    ['\\sqrt{12}', '2\\sqrt{3}'],
    ['\\sqrt[3]{-8}', '-2'],
    ['sqrt(2)/2', '\\frac{\\sqrt{2}}{2}'],
    ['2√3', '2\\sqrt3'],
    ['\\sin(\\pi)', '0'],
    ['\\sqrt{-4}', '2i'],
    ['e^{i\\pi}', '-1'],
    ['\\log_2 8', '3'],
  ],
  expressions: [
    ['(x+1)^2', 'x^2+2x+1'],
    ['\\frac{x+1}{2y}', '\\frac{x}{2y}+\\frac{1}{2y}'],
    ['\\sin^2 x + \\cos^2 x', '1'],
    ['\\sin 2x', '2 \\sin x \\cos x'],
    ['\\ln(ab)', '\\ln a + \\ln b'],
    ['3 - 2f(x)', '-2f(x)+3'],
    ['x^{a+b}', 'x^a x^b'],
    ['|x-1|', '|1-x|'],
    ['1 + |f(|x|)|', '|f(|x|)| + 1'],
    ['(n-2) 2^{n}+1', '1 + 2^n n - 2^{n+1}'],
    ['\\lfloor\\log_2 n\\rfloor + 1', '1+\\left\\lfloor \\log _{2} n\\right\\rfloor'],
    ['\\lfloor (n+1)/2 \\rfloor + 1', '\\lceil n / 2\\rceil+1'],
    ['mn-\\lceil (m-1)/2\\rceil', 'm n-\\lfloor m / 2\\rfloor'],
  ],
  structures: [
    ['(1,2)', '\\left(1, \\frac42\\right)'],
    ['\\{1,2\\}', '2, 1'],
    ['(-\\infty,1]\\cup[10,\\infty)', '[10,+\\infty) \\cup (-\\infty, 1]'],
    ['\\mathbb{R}', '(-\\infty, \\infty)'],
    ['(-\\infty,+\\infty)', '\\mathbb R'],
    ['\\{\\}', '\\emptyset'],
    ['\\varnothing', '\\{\\}'],
    ['1 \\pm \\sqrt{5}', '1-\\sqrt5, 1+\\sqrt5'],
    ['2 \\text{ and } 3', '3, 2'],
    ['\\begin{bmatrix}1/2\\\\2\\end{bmatrix}', '\\begin{pmatrix} 0.5 \\\\ 2 \\end{pmatrix}'],
    ['(1,2,3)', '\\begin{pmatrix}1\\\\2\\\\3\\end{pmatrix}'],
    ['1:2', '1 : 2'],
    ['x=1, y=2', 'y=2, x=1'],
  ],
  relations: [
    ['x = 5', '5'],
    ['5', 'x=5'],
    ['x=2+3=5', '5'],
    ['y = 2x + 3', '2x + 3'],
    ['2x - y = -3', 'y = 2x + 3'],
    ['3 > x', 'x < 3'],
    ['(-\\infty, 3)', 'x < 3'],
    ['[1, 2)', '1 \\le x < 2'],
    ['x \\in [-2,7]', '[-2,7]'],
    ['x \\in [-2,7]', '-2 \\le x \\le 7'],
  ],
  'names of what is asked': [
    ['AB = 3\\sqrt{5}', '3\\sqrt{5}'],
    ['m+n = 17', '17'],
    ['a - b = 3', '3'],
    ['\\frac{a}{b} = \\frac{2}{3}', '\\frac{2}{3}'],
    ['f(2) = 7', '7'],
    ['P(A) = \\frac{1}{2}', '0.5'],
    ['(x,y) = (3,4)', '(3,4)'],
    ['[ABC] = 12', '12'],
    ['\\angle ABC = 60^\\circ', '60'],
    ['\\text{Area} = 25\\pi', '25\\pi'],
    ['Area = 25', '25'],
  ],
  'labelled choices': [
    ['\\textbf{(E)}\\ 27', '27'],
    ['\\textbf{(E)}\\ 27', 'E'],
    ['\\mathrm{(A)}\\ \\frac{1}{2}', '0.5'],
    ['\\text{(A)} -5', '-5'],
    ['(B) 12', 'B'],
    ['B. 12 cm', '\\text{B}'],
  ],
  'units and texts': [
    ['7\\%', '7'],
    ['0.07', '7\\%'],
    ['60%', '0.6'],
    ['28 percent', '0.28'],
    ['28\\text{ pct}', '28\\%'],
    ['-7\\%', '-7'],
    ['-33\\frac13', '-33\\frac13\\%'],
    ['\\pm 5', '\\pm 5\\%'],
    ['-2', '-2\\text{ million dollars}'],
    ['33\\frac{1}{3}\\%', '\\frac{100}{3}\\%'],
    ['12 1/2%', '0.125'],
    ['1/2%', '0.5%'],
    ['22\\frac12^\\circ', '22.5'],
    ['45^\\circ', '45'],
    ['20 apples', '20'],
    ['5 cm', '5\\text{ centimeters}'],
    ['864 \\mbox{ inches}^2', '864\\text{ square inches}'],
    ['\\text{(C)}', 'C'],
    ['(C)', '\\text{(C)}'],
    ['evelyn', '\\text{Evelyn}'],
    ['\\text{E, C}', '\\text{C,E}'],
    ['1200_{7}', '1200_7'],
    ['125', '125_{10}'],
    ['-0.5', '-0.5_{\\text{ten}}'],
    ['3, 4', '3_{10}, 4_{10}'],
    ['\\text{5 cm}', '5'],
    ['9\\text{ am}', '9\\text{ a.m.}'],
    ['yes', 'Yes'],
    ['\\text{odd}', 'odd'],
    ['1.5 million', '1500000'],
    ['\\$1.5\\text{ million}', '1{,}500{,}000'],
    ['2 million dollars', '\\$2{,}000{,}000'],
    ['2', '2 \\text{ million}'],
    ['1 million', '1000 thousand'],
    ['3 dozen', '36'],
    ['5 m/s', '5 \\mathrm{~m}/\\mathrm{s}'],
    ['5', '5 \\mathrm{~m}/\\mathrm{s}'],
    ['5 \\text{ m/s}', '5 \\mathrm{~m} / \\mathrm{s}'],
    ['9.8 m/s^2', '9.8 \\mathrm{~m} \\cdot \\mathrm{s}^{-2}'],
    ['5', '5 \\mathrm{~N}'],
    ['60 km/h', '60'],
    ['60 mph', '60\\text{ miles per hour}'],
    ['\\frac{5m}{s}', '5m/s'],
  ],
};

const UNEQUAL: Readonly<Record<string, readonly Pair[]>> = {
  numbers: [
    ['0.33', '\\frac13'],
    ['10\\text{-3}', '7'],
    ['10\\mathrm{-3}', '-30'],
    ['\\text{-3}\\frac12', '-1.5'],
    ['\\text{-3}\\text{5}', '-15'],
    ['\\text{1.5} {5}', '7.5'],
    ['\\mathrm{-3}^2', '9'],
    ['\\text{-3}', '3'],
    ['\\mathrm{2-3}', '-1'],
    ['3.14', '\\pi'],
    ['1.4142135', '\\sqrt2'],
    ['100', '10\\text{ units}'],
    ['33 1/3%', '11%'],
    ['10^{10}', '10^{10^{10^{10}}}'],
    ['7800', '7.8×10⁻³'],
    ['\\sqrt{27}', '∛27'],
    ['10^{20}+\\pi-10^{20}', '5'],
    ['9007199254740993', '9007199254740992'],
    ['6.6\\cdot 10^{-34}\\sqrt2', '0'],
    ['1200', '1200_7'],
    ['420', '1200_7'],
    ['1200_{7}', '420_{10}'],
    ['1.0000001', '1'],
    ['1-2^{-99}', '1-2^{-100}'],
    ['5 \\approx 6', '6'],
    ['0x10', '0'],
    ['0x10', '16'],
    ['0b101', '0'],
    ['0x10, 0x20', '0, 0'],
  ],
  'digits in other places': [
    ['\\frac{1}{12}', '\\frac{11}{2}'],
    ['1 1/2', '11/2'],
    ['3 4', '34'],
    ['\\sqrt{2}3', '\\sqrt{23}'],
    ['2^{3}4', '2^{34}'],
    ['\\sum_{k=1}^{2} 3k', '\\sum_{k=1}^{23} k'],
  ],
  expressions: [
    ['\\sqrt{x^2}', 'x'],
    ['x^2-1', '(x+1)^2'],
    ['y', 'x'],
    ['f(3)', 'f(2)'],
    ['5x - 7y = 4', 'x + y = 4'],
    ['0 = 0', 'x + y = 4'],
    ['4', 'x + y = 4'],
    ['x = 3', 'y = 3'],
    ['\\lfloor n/2 \\rfloor + 2', '\\lceil n / 2\\rceil+1'],
    ['\\lfloor n-1\\rfloor', '\\lfloor\\sqrt{n-1}\\rfloor'],
    ['\\lfloor\\sqrt{n-1}\\rfloor', '\\lfloor\\sqrt{n-2}\\rfloor'],
    ['x', '\\lfloor x\\rfloor'],
    ['\\lfloor n/100\\rfloor', '0'],
    [
      '\\lfloor n/5\\rfloor + \\lfloor n/25\\rfloor + \\lfloor n/125\\rfloor',
      '\\lfloor n/5\\rfloor + \\lfloor n/25\\rfloor',
    ],
  ],
  'listing and echoing': [
    ['5, 6', '5'],
    ['5 or 6', '5'],
    ['1, 2, 3', '1, 2'],
    ['x = 5 = 6', '6'],
    ['x < 3', '(-\\infty, 3)'],
    ['5 6', '5'],
    ['2x = 10', '10'],
    ['-x = 5', '5'],
    ['\\sqrt{x} = 3', '3'],
    ['\\text{C or D}', 'C'],
    ['B. C', 'B'],
    ['(A) 5 (B) 6', '5'],
    ['', ''],
  ],
  structures: [
    ['(2,1)', '(1,2)'],
    ['[1,2)', '(1,2)'],
    ['\\mathbb{Z}', '(-\\infty, \\infty)'],
    ['\\mathbb{R}', '(0, \\infty)'],
    ['0', '\\emptyset'],
    ['x=2, y=1', 'x=1, y=2'],
    ['\\begin{pmatrix}1&2\\end{pmatrix}', '\\begin{pmatrix}2&1\\end{pmatrix}'],
    ['x > 3', 'x < 3'],
    ['x \\le 3', 'x < 3'],
    ['\\text{even}', '\\text{odd}'],
    ['dod', '\\text{odd}'],
    ['dod', 'odd'],
    ['9\\text{ p.m.}', '9\\text{ a.m.}'],
    ['5\\text{ cm}', '5\\text{ km}'],
    ['-5\\text{ cm}', '-5\\text{ km}'],
    ['36\\text{ cm}', '36^\\circ'],
    ['-36\\text{ cm}', '-36^\\circ'],
    ['2:4', '1:2'],
  ],
  'units and scales': [
    ['5 \\mathrm{~m}/\\mathrm{s}', '5 \\mathrm{~km}/\\mathrm{h}'],
    ['60 km/h', '60\\text{ miles per hour}'],
    ['5 m/s', '5 \\text{ m}'],
    ['5\\text{ cm}^{-1}', '5\\text{ cm}'],
    ['9.8\\text{ m s}⁻²', '9.8\\text{ m s}⁻¹'],
    ['5\\text{ cm}^{1/2}', '5\\text{ cm}'],
    ['4s', '4'],
    ['2 million', '3 million'],
    ['2 million', '2 billion'],
    ['2 million', '200%'],
    ['5 millionths', '5000000'],
    ['2', '2mg'],
    ['2mg', '2'],
    ['2', '2 m g h'],
    ['2', '2pm'],
    ['3\\mathrm{~i}', '3'],
    ['5', '2+3\\mathrm{~i}'],
    ['10', '10 students passed the exam in the first semester (2023)'],
    ['5', `5 ${'a'.repeat(60)}!`],
    ['5', `5 ${'a '.repeat(60)}!`],
  ],
};

const isRight = (prediction: string, gold: string, options: EquivalenceOptions = {}) =>
  mathEquivalent({ gold, prediction }, options);

describe('mathEquivalent', () => {
  for (const [kind, pairs] of Object.entries(EQUAL)) {
    it.each(pairs)(`${kind}: %s is %s`, (prediction, gold) => {
      expect(isRight(prediction, gold)).toBe(true);
    });
  }

  for (const [kind, pairs] of Object.entries(UNEQUAL)) {
    it.each(pairs)(`${kind}: %s is not %s`, (prediction, gold) => {
      expect(isRight(prediction, gold)).toBe(false);
    });
  }

  it('takes a precision, one for all items or one each', () => {
    expect(isRight('0.6054', '\\cos^{10}(\\frac{\\pi}{10})')).toBe(false);
    expect(isRight('0.6054', '\\cos^{10}(\\frac{\\pi}{10})', { precision: 1e-4 })).toBe(true);
    const lists = ['0.001, 7.1', '7, 0.002'] as const;
    expect(isRight(...lists, { precision: [0.1, 0.001] })).toBe(true);
    expect(isRight(...lists, { precision: [0.01, 0.001] })).toBe(false);
  });

  it('takes an order of lists and inequalities for intervals when asked', () => {
    expect(isRight('2, 1', '1, 2', { ordered: true })).toBe(false);
    expect(isRight('1, 2', '1, 2.0', { ordered: true })).toBe(true);
    expect(isRight('x < 3', '(-\\infty, 3)', { acceptInequalities: true })).toBe(true);
    expect(isRight('x < 4', '(-\\infty, 3)', { acceptInequalities: true })).toBe(false);
  });

  it('reads the last box of a text', () => {
    expect(isRight('First \\boxed{4}, then $\\boxed{\\frac{1}{2}}$.', '0.5')).toBe(true);
    expect(isRight('\\boxed{0.5} or rather \\boxed{4}', '0.5')).toBe(false);
  });

  it('gives equal answers one key', () => {
    expect(answerKey('\\frac12')).toBe(answerKey('0.5'));
    expect(answerKey('y+x')).toBe(answerKey('x + y'));
    expect(answerKey('1/3')).not.toBe(answerKey('0.33'));
    expect(answerKey('5 cm')).toBe(answerKey('5\\text{ centimeters}'));
    expect(answerKey('5 cm')).not.toBe(answerKey('5 km'));
    expect(answerKey('7\\%')).not.toBe(answerKey('7'));
    expect(answerKey(' ')).toBeNull();
  });
});
