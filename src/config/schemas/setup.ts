/** `lorikeet setup` and `lorikeet doctor`: the native runtimes. */
import { z } from 'zod';
import { deviceKey } from './groups.js';

export const setupSchema = z.strictObject({
  ...deviceKey,
  force: z.boolean().default(false).describe('Build anew even when a runtime is in place'),
});

export const doctorSchema = z.strictObject({
  ...deviceKey,
});
