/** Which texts a schema's grammar takes. */
import { describe, expect, it } from 'vitest';
import { Automaton, DEAD } from '../../../../src/rollout/structured/automaton.js';
import { compile } from '../../../../src/rollout/structured/grammar.js';
import { schemaGrammar } from '../../../../src/rollout/structured/json-schema.js';
import { InputError } from '../../../../src/util/errors.js';

function accepts(automaton: Automaton, text: string): boolean {
  let state = automaton.start;
  for (const byte of Buffer.from(text)) state = automaton.step(state, byte);
  return state !== DEAD && automaton.isAccepting(state);
}

const automatonOf = (schema: unknown) => new Automaton(compile(schemaGrammar(schema)));

interface Case {
  readonly schema: unknown;
  readonly yes: readonly string[];
  readonly no: readonly string[];
}

const CASES: Readonly<Record<string, Case>> = {
  'any value': {
    schema: {},
    yes: [
      '1',
      '-0.5e+10',
      'null',
      '"a"',
      '[]',
      '{}',
      '[1, [2], {"a": {"b": []}}]',
      '{\n  "a": 1\n}',
    ],
    no: [
      '',
      '01',
      '1.',
      '.5',
      '+1',
      'nul',
      '[1,]',
      '{"a"}',
      '{a: 1}',
      '[',
      '1 2',
      "'a'",
      'NaN',
      ' 1',
    ],
  },
  strings: {
    schema: { type: 'string' },
    yes: ['""', '"größe → 😀"', '"a\\"b\\\\c\\/\\n\\u00e9"', '"\u007f"'],
    no: ['"', '"a', '"\n"', '"\\x"', '"\\u00g0"', '"\\ud83d"', '"a"b"'],
  },
  'string lengths, in characters': {
    schema: { type: 'string', minLength: 2, maxLength: 3 },
    yes: ['"ab"', '"→😀ß"', '"\\u00e9\\n"'],
    no: ['""', '"a"', '"abcd"', '"😀"'],
  },
  integers: {
    schema: { type: 'integer' },
    yes: ['0', '-12', '100'],
    no: ['1.0', '1e3', '00', '-'],
  },
  'numbers, null and booleans': {
    schema: { type: ['number', 'null', 'boolean'] },
    yes: ['1.5', '-2E-3', 'null', 'true', 'false'],
    no: ['"1"', 'True', '1e', '[1]'],
  },
  enums: {
    schema: { enum: ['red', 'gr"ün', 3, null, [1, 'a']] },
    yes: ['"red"', '"gr\\"ün"', '3', 'null', '[1,"a"]'],
    no: ['"blue"', 'red', '33', '[1]'],
  },
  'enums of a type': { schema: { type: 'string', enum: ['a', 1] }, yes: ['"a"'], no: ['1'] },
  constants: { schema: { const: { a: 1 } }, yes: ['{"a":1}'], no: ['{"a":2}', '{}'] },
  objects: {
    schema: {
      type: 'object',
      properties: { name: { type: 'string' }, age: { type: 'integer' }, ok: { type: 'boolean' } },
      required: ['name', 'ok'],
    },
    yes: [
      '{"name":"x","age":3,"ok":true}',
      '{"name":"x","ok":true}',
      '{ "name": "x",\n    "age": 3, "ok": false }',
    ],
    no: [
      ...['{}', '{"name":"x"}', '{"ok":true,"name":"x"}', '{"name":"x","ok":true,"more":1}'],
      ...['{"name":"x",,"ok":true}', '{"name":"x","ok":true,}', '{,"name":"x","ok":true}'],
    ],
  },
  'objects whose members are all optional': {
    schema: { properties: { a: { type: 'null' }, b: { type: 'null' } } },
    yes: ['{}', '{"a":null}', '{"b":null}', '{"a":null,"b":null}', '{ }'],
    no: ['{"b":null,"a":null}', '{,"b":null}', '{"a":null,}', '{"a":null "b":null}'],
  },
  'additional members': {
    schema: {
      type: 'object',
      properties: { ab: { type: 'integer' }, b: { type: 'integer' } },
      required: ['ab'],
      additionalProperties: { type: 'string' },
    },
    yes: ['{"ab":1}', '{"ab":1,"b":2,"c":"x"}', '{"ab":1,"a":"x","abc":"y","":"z"}'],
    no: [
      '{"c":"x"}',
      '{"ab":1,"c":2}',
      '{"ab":1,"b":"x"}',
      '{"ab":1,"\\u0062":"x"}',
      '{"ab":1,"ab":"x"}',
    ],
  },
  'only additional members': {
    schema: { type: 'object', additionalProperties: { type: 'integer' } },
    yes: ['{}', '{"ä":1}', '{"a":1,"b\\n":2}'],
    no: ['{"a":"x"}', '{"a":1,}'],
  },
  'any object': { schema: { type: 'object' }, yes: ['{}', '{"a":[{}]}'], no: ['[]', '{"a"}'] },
  arrays: {
    schema: { type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 3 },
    yes: ['[1]', '[1,2]', '[ 1, 2,\n 3 ]'],
    no: ['[]', '[1,2,3,4]', '["a"]', '[1,]', '[,1]'],
  },
  'no items': { schema: { type: 'array', maxItems: 0 }, yes: ['[]', '[ ]'], no: ['[1]'] },
  tuples: {
    schema: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }], items: false },
    yes: ['["a",1]', '[ "a", 1 ]'],
    no: ['["a"]', '[1,"a"]', '["a",1,2]'],
  },
  choices: {
    schema: { anyOf: [{ type: 'integer' }, { type: 'object', properties: { a: { const: 1 } } }] },
    yes: ['12', '{}', '{"a":1}'],
    no: ['"1"', '{"a":2}'],
  },
  'references, also to itself': {
    schema: {
      $ref: '#/$defs/node',
      $defs: {
        node: {
          type: 'object',
          properties: {
            value: { allOf: [{ $ref: '#/$defs/value' }], description: 'a number' },
            children: { type: 'array', items: { $ref: '#/$defs/node' } },
          },
          required: ['value', 'children'],
        },
        value: { type: 'number' },
      },
    },
    yes: [
      '{"value":1,"children":[]}',
      '{"value":1,"children":[{"value":2,"children":[{"value":3,"children":[]}]},{"value":4,"children":[]}]}',
    ],
    no: [
      '{"value":1}',
      '{"value":1,"children":[{}]}',
      '{"value":1,"children":[{"value":2,"children":[]}]',
    ],
  },
};

describe.each(Object.entries(CASES))('%s', (_, { schema, yes, no }) => {
  const automaton = automatonOf(schema);
  it.each(yes)('takes %s', (text) => {
    JSON.parse(text);
    expect(accepts(automaton, text)).toBe(true);
  });
  it.each(no)('does not take %s', (text) => {
    expect(accepts(automaton, text)).toBe(false);
  });
});

it('takes no white space between the parts when it is compact', () => {
  const schema = { type: 'object', properties: { a: { type: 'array' } }, required: ['a'] };
  const automaton = new Automaton(compile(schemaGrammar(schema, { isCompact: true })));
  expect(accepts(automaton, '{"a":[1,{"b ":[]}]}')).toBe(true);
  for (const text of ['{"a": []}', '{ "a":[]}', '{"a":[1, 2]}', '{"a":[]\n}']) {
    expect(accepts(automaton, text), text).toBe(false);
  }
});

it('takes deep nesting with few states more', () => {
  const automaton = automatonOf({});
  const deep = (n: number) => `${'['.repeat(n)}1${']'.repeat(n)}`;
  expect(accepts(automaton, deep(500))).toBe(true);
  expect(accepts(automaton, `${deep(500)}]`)).toBe(false);
});

/** Texts of up to `length` signs. */
function texts(signs: string, length: number): string[] {
  let all = [''];
  for (let i = 0; i < length; i++) {
    all = all.concat(
      all.filter((t) => t.length === i).flatMap((t) => [...signs].map((s) => t + s)),
    );
  }
  return all;
}

describe('a range takes exactly the numbers in it', () => {
  const all = texts('0123459.-', 5);
  it.each([
    ['number', 0, 1],
    ['number', 1, 5],
    ['number', -0.5, 1.1],
    ['number', -51, -3.25],
    ['number', 0.05, 0.05],
    ['number', 9.95, 120.5],
    ['integer', 0, 10],
    ['integer', -12, 45],
    ['integer', 99.5, 1012],
  ] as const)('%s from %d to %d', (type, minimum, maximum) => {
    const automaton = automatonOf({ type, minimum, maximum });
    const form = type === 'integer' ? /^-?(0|[1-9]\d*)$/ : /^-?(0|[1-9]\d*)(\.\d+)?$/;
    // −0 is not written
    const isIn = (text: string) =>
      form.test(text) &&
      Number(text) >= minimum &&
      Number(text) <= maximum &&
      !Object.is(Number(text), -0);
    const wrong = all.filter((text) => accepts(automaton, text) !== isIn(text));
    expect(wrong).toEqual([]);
    expect(all.filter(isIn).length).toBeGreaterThan(0);
  });

  it('has at most six digits behind the point, and no exponent', () => {
    const automaton = automatonOf({ type: 'number', minimum: 0, maximum: 1 });
    expect(accepts(automaton, '0.123456')).toBe(true);
    expect(accepts(automaton, '1.000000')).toBe(true);
    for (const text of ['0.1234567', '1e-1', '1.000001']) {
      expect(accepts(automaton, text), text).toBe(false);
    }
  });
});

describe('a schema is refused', () => {
  it.each([
    [{ type: 'string', pattern: 'a+' }, '#: the keyword "pattern" is not supported here'],
    [{ type: 'string', format: 'date' }, 'the keyword "format" is not supported here'],
    [{ type: 'integer', minimum: 1 }, 'minimum and maximum are supported together only'],
    [{ type: 'number', minimum: 2, maximum: 1 }, 'no number lies between minimum 2 and maximum 1'],
    [{ type: 'integer', minimum: 0.2, maximum: 0.8 }, 'no integer lies between'],
    [{ type: 'number', minimum: 'a', maximum: 1 }, 'minimum is "a", expected a number'],
    [{ type: 'integer', minimum: 0, maximum: 1e16 }, 'maximum is 10000000000000000, expected'],
    [{ type: 'integer', multipleOf: 2 }, 'the keyword "multipleOf" is not supported here'],
    [{ type: 'array', uniqueItems: true }, 'the keyword "uniqueItems"'],
    [{ oneOf: [{}, {}] }, 'the keyword "oneOf" is not supported'],
    [{ not: {} }, 'the keyword "not"'],
    [{ type: 'object', patternProperties: {} }, 'the keyword "patternProperties"'],
    [{ anyOf: [{}], type: 'string' }, 'the keyword "type" is not supported here'],
    [{ allOf: [{}, {}] }, 'allOf of more than one schema'],
    [
      { properties: { a: { items: { if: {} } } } },
      'schema #/properties/a/items: the keyword "if" is not supported',
    ],
    [{ type: 'strin' }, 'type "strin" is none of object, array'],
    [{ type: [] }, 'type [] is none of'],
    [{ enum: [] }, 'enum has no values'],
    [{ type: 'integer', enum: ['a'] }, 'no value of enum is of type "integer"'],
    [{ type: 'array', minItems: 3, maxItems: 2 }, 'minItems 3 is more than maxItems 2'],
    [{ type: 'string', maxLength: -1 }, 'maxLength is -1, expected 0 to'],
    [{ $ref: '#/$defs/none' }, '$ref #/$defs/none leads nowhere'],
    [{ $ref: 'http://other' }, 'is not inside the schema'],
    [{ $ref: '#' }, 'refers to itself without anything between'],
    [{ $defs: { a: { anyOf: [{ $ref: '#/$defs/a' }] } }, $ref: '#/$defs/a' }, 'refers to itself'],
    [{ required: ['a'] }, 'required names "a", which is not among the properties'],
    [{ prefixItems: [{}, {}] }, 'prefixItems is supported with items: false'],
    [false, 'expected a schema, found false'],
  ])('%j', (schema, message) => {
    expect(() => automatonOf(schema)).toThrow(InputError);
    expect(() => automatonOf(schema)).toThrow(message);
  });
});
