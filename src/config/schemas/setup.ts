/** `lorikeet setup` and `lorikeet doctor`: the native runtimes. */
import { z } from 'zod';
import { off } from './fields.js';
import { deviceKey } from './groups.js';
import { issueAt } from './issue-at.js';

export const setupSchema = z
  .strictObject({
    ...deviceKey,
    without_gpu: off(
      'With device=cuda: no GPU is here, the set-up is for an image or another machine',
    ),
    force: off('Build anew even when a runtime is in place'),
    python: off('Also make a Python environment for python graders and tool calls'),
    python_packages: z
      .array(z.string().regex(/^[A-Za-z0-9][\w.,<>=!~[\]-]*$/, 'must be a package as pip names it'))
      .default([
        ...['sympy', 'numpy', 'scipy', 'pandas', 'scikit-learn', 'rapidfuzz', 'networkx'],
        ...['jsonschema', 'pydantic', 'PyYAML'],
      ])
      .describe('Packages of that environment'),
  })
  .superRefine(({ device, without_gpu: isAway }, context) => {
    if (!isAway || device === 'cuda') return;
    issueAt(context)('without_gpu', 'it goes with device=cuda alone: set that, or leave this out');
  });

export type SetupConfig = z.output<typeof setupSchema>;

export const doctorSchema = z.strictObject(deviceKey);
