/** Files of `lorikeet run` (stages) and `lorikeet sweep` (a grid of stages). */
import { z } from 'zod';
import { type CommandName, commandSchemas } from '../commands.js';
import { optionalText, orNull, otherPath, text } from './fields.js';

const COMMANDS = Object.keys(commandSchemas) as [CommandName, ...CommandName[]];

/** Why the other commands are no stages. */
const NO_STAGES: Readonly<Record<string, string>> = {
  serve: 'serve answers until it is stopped, so no stage would come after it. Start it by itself',
  chat: 'chat is a conversation with a person. Use generate for prompts in a file',
  bench: 'bench measures this machine and makes nothing for a stage to read. Run it by itself',
  run: 'a pipeline holds no pipeline. Write the stages of the other file here',
  sweep: 'a pipeline holds no sweep. Run it by itself, with what it needs under shared',
};
const mapping = () => z.record(z.string(), z.unknown());

/** One stage. References in `config` and `with` are resolved when the stage is. */
const stageSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/)
    .meta({ expected: 'a name of letters, digits, "_" and "-"' })
    .describe('Name in state files, tables and references'),
  command: z.enum(COMMANDS).meta({ refused: NO_STAGES }).describe('Command that runs'),
  config: z
    .union([otherPath(), mapping()])
    .default({})
    .describe('Config file (path from the pipeline file), or its keys'),
  with: mapping().default({}).describe('Keys over config'),
  part: optionalText('Part of the pipeline that it belongs to; the key stage picks one'),
  when_needed: z
    .boolean()
    .default(false)
    .describe('Left out where no stage that runs needs it, as a model that vars replace'),
  needs: z.array(text()).default([]).describe('Stages that come first, beside those referred to'),
  stop_if: optionalText(
    "Gate on the stage's result, e.g. accuracy < 0.3; when true the pipeline stops",
  ),
  targets: z
    .array(text())
    .default([])
    .describe('What its result should reach, e.g. accuracy > 0.9; reported, stops nothing'),
});

const commonKeys = {
  root: otherPath().describe('Folder of the stages’ outputs and states'),
  run_folder: orNull(
    z
      .string()
      .regex(/^(latest|new|run_\d{8}_\d{6})$/)
      .meta({ expected: 'latest, new, or a name as run_20260131_235959' }),
    'Folder in root of outputs and states: latest or new run_YYYYMMDD_HHMMSS, or a name',
  ),
  vars: mapping().default({}).describe('Values that stages refer to as vars.NAME'),
  metrics: z
    .array(text())
    .default([])
    .describe('Result values shown in the tables; empty shows all numbers'),
};

export const pipelineSchema = z.strictObject({
  ...commonKeys,
  stage: text()
    .default('full')
    .describe('full runs all; the name of a part or of a stage runs that, and what it needs'),
  stages: z.array(stageSchema).min(1).describe('Stages in order'),
});

export const sweepSchema = z.strictObject({
  ...commonKeys,
  grid: z
    .record(text(), z.array(z.union([z.number(), otherPath()])).min(1))
    .describe('Values that stages refer to as grid.NAME; every combination is run'),
  shared: z.array(stageSchema).default([]).describe('Stages run once, before the grid'),
  stages: z.array(stageSchema).min(1).describe('Stages run for each combination'),
});

export type StageConfig = z.output<typeof stageSchema>;
