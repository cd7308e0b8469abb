/** `lorikeet completion`: it has no keys. */
import { z } from 'zod';

export const completionSchema = z.strictObject({});
