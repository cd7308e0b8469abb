/** Builds `dist/`: TypeScript by tsc, and the files that are used as they are. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname } from 'node:path';

/** C++ that set-up compiles on the user's machine, and scripts that it runs. */
const ASSETS = new Set(['.cc', '.h', '.cu', '.py', '.cjs']);

rmSync('dist', { recursive: true, force: true });
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const args = [tsc, '-p', 'tsconfig.build.json'];
const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
cpSync('src', 'dist', {
  recursive: true,
  filter: (path) => extname(path) === '' || ASSETS.has(extname(path)),
});
chmodSync('dist/cli/main.js', 0o755);
