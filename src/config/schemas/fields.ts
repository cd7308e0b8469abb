/**
 * Field builders shared by all schemas. A field is typed, ranged, defaulted and documented in one
 * expression; `--help`, error messages and the resolved dump all read it from there.
 */
import { z } from 'zod';
import { MIN_TEMPERATURE } from '../../util/temperature.js';

/** Whole number, at least `min`. */
export const whole = (min: number) => z.int().min(min);
/** Number in [low, high]. */
export const within = (low: number, high: number) => z.number().min(low).max(high);
/** Number >= 0. */
export const nonNegative = () => z.number().min(0);
/** Number > 0. */
export const positive = () => z.number().positive();
/** Node's timers wait no longer than 2^31 − 1 ms, and go off at once beyond. */
const LONGEST_S = 2_000_000;
/** A time that is waited for, seconds. */
export const seconds = () => positive().max(LONGEST_S);
/** A time that may be none, seconds. */
export const secondsOrNone = () => nonNegative().max(LONGEST_S);
/** Of sampling; 0 is greedy. */
export const temperature = () =>
  z
    .number()
    .min(0, { abort: true })
    .max(10)
    .refine((value) => value === 0 || value >= MIN_TEMPERATURE, {
      error: ({ input }) =>
        `${input} is below ${MIN_TEMPERATURE}, where logits leave float32. Give 0, which is greedy`,
    })
    .meta({ expected: `0, or number from ${MIN_TEMPERATURE} to 10` });
/** Non-empty text. */
export const text = () => z.string().min(1);
/** Path or id that the command reads; pipelines hash what it names. */
export const inputPath = () => text().meta({ path: 'input' });
/** Path that the command writes, or one that it reads and pipelines do not hash. */
export const otherPath = () => text().meta({ path: 'other' });
/** A value or null, null by default. */
export const orNull = <Type extends z.ZodType>(type: Type, doc: string) =>
  type.nullable().default(null).describe(doc);
export const optionalInput = (doc: string) => orNull(inputPath(), doc);
export const optionalPath = (doc: string) => orNull(otherPath(), doc);
export const optionalText = (doc: string) => orNull(text(), doc);
export const optionalWhole = (min: number, doc: string) => orNull(whole(min), doc);
/** True or false, by default false. */
export const off = (doc: string) => z.boolean().default(false).describe(doc);
/** True or false, by default true. */
export const on = (doc: string) => z.boolean().default(true).describe(doc);
/** Optimizer steps or null, also by TRL's -1. */
export const maxSteps = (doc: string) => orNull(whole(1).meta({ same: { '-1': null } }), doc);
/** Steps, or below 1 a share of all, as transformers 5 reads it. */
export const warmupSteps = () =>
  z
    .number()
    .min(0)
    .refine((steps) => steps < 1 || Number.isInteger(steps), {
      error: ({ input }) => `${input} is neither whole, for steps, nor below 1, for a share of all`,
    })
    .meta({ expected: 'whole number >= 0, or number below 1' });
/** What advantages are divided by; TRL also takes true and false. */
export const scaleRewards = () =>
  z.enum(['group', 'batch', 'none']).meta({ same: { true: 'group', false: 'none' } });
/** A word that may stand in a file name. */
export const fileWord = () =>
  z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/)
    .meta({ expected: 'a name of letters, digits, ".", "_" and "-"' });
