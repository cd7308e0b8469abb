/** `lorikeet setup` and `lorikeet doctor`: the native runtimes. */
import { z } from 'zod';
import { deviceKey } from './groups.js';

export const setupSchema = z.strictObject({
  ...deviceKey,
  force: z.boolean().default(false).describe('Build anew even when a runtime is in place'),
  python: z
    .boolean()
    .default(false)
    .describe('Also make a Python environment for python graders and tool calls'),
  python_packages: z
    .array(z.string().regex(/^[A-Za-z0-9][\w.,<>=!~[\]-]*$/, 'must be a package as pip names it'))
    .default([
      ...['sympy', 'numpy', 'scipy', 'pandas', 'scikit-learn', 'rapidfuzz', 'networkx'],
      ...['jsonschema', 'pydantic', 'PyYAML'],
    ])
    .describe('Packages of that environment'),
});

export const doctorSchema = z.strictObject({
  ...deviceKey,
});
