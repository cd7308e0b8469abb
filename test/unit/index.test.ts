/** The public API has the function and the schema of every command. */
import { expect, it } from 'vitest';
import { commands } from '../../src/cli/commands/index.js';
import * as api from '../../src/index.js';

/** Commands whose function is not called after them. */
const FUNCTIONS: Readonly<Record<string, readonly string[]>> = {
  run: ['loadPipeline', 'runPipeline'],
  sweep: ['loadSweep', 'runSweep'],
  bench: ['benchSft', 'benchDpo', 'benchGrpo', 'benchRollout', 'benchGrade'],
};
const SCHEMAS: Readonly<Record<string, string>> = { run: 'pipelineSchema' };

/** Commands that have a meaning in a shell alone. */
const OF_THE_SHELL = ['completion'];

const pascal = (name: string) => name.replace(/(?:^|-)(.)/g, (_, first) => first.toUpperCase());
const camel = (name: string) => name.replace(/-(.)/g, (_, first) => first.toUpperCase());

const offeredCommands = commands.filter(({ name }) => !OF_THE_SHELL.includes(name));

it.each(offeredCommands.map(({ name, schema, parts = [] }) => ({ name, schema, parts })))(
  '$name',
  ({ name, schema, parts }) => {
    const offered: Readonly<Record<string, unknown>> = api;
    for (const one of FUNCTIONS[name] ?? [`run${pascal(name)}`]) {
      expect(offered[one], one).toBeTypeOf('function');
    }
    expect(offered[SCHEMAS[name] ?? `${camel(name)}Schema`]).toBe(schema);
    for (const part of parts) {
      const prefix = `${name}${pascal(part.name)}`;
      expect(offered[prefix], prefix).toBeTypeOf('function');
      expect(offered[`${prefix}Schema`]).toBe(part.schema);
    }
  },
);
