/**
 * The walls: bubblewrap, with namespaces of its own for processes, network, IPC and mounts. Inside there are
 * the system's programs and one Python, read-only, and small folders in memory; nothing of the user's.
 */
import { execFile } from 'node:child_process';
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from '../util/programs.js';

/** Whether a sandbox can be had on this machine, and if not, why and what to do. */
export type SandboxSupport =
  | { readonly available: true; readonly program: string; readonly version: string }
  | { readonly available: false; readonly problem: string; readonly remedy: string };

/** `--size` came with this version. */
const OLDEST = [0, 7] as const;
const INSTALL =
  'Install bubblewrap 0.7 or newer (Debian 12, Ubuntu 23.04 or newer: `apt install bubblewrap`)';

/** Folders in memory that snippets can write to, by the size in MiB. The first is the working folder. */
const WRITABLE: Readonly<Record<string, number>> = { '/scratch': 64, '/tmp': 64, '/dev/shm': 16 };
export const WRITABLE_FOLDERS: readonly string[] = Object.keys(WRITABLE);

/** Links such as /lib → usr/lib stay links; folders of their own are shown as they are. */
function systemFolder(path: string): string[] {
  if (!existsSync(path)) return [];
  return lstatSync(path).isSymbolicLink()
    ? ['--symlink', readlinkSync(path), path]
    : ['--ro-bind', path, path];
}

const SYSTEM = ['/usr', '/bin', '/lib', '/lib32', '/lib64', '/nix/store'];
const SETTINGS = ['/etc/ld.so.cache', '/etc/localtime', '/etc/alternatives'];

/** The user's own identity cannot be seen or used inside; root gets just what changing the user needs. */
function identity(isRoot: boolean): string[] {
  if (!isRoot) return ['--unshare-user', '--cap-drop', 'ALL'];
  const kept = ['CAP_SETUID', 'CAP_SETGID', 'CAP_KILL'];
  return ['--cap-drop', 'ALL', ...kept.flatMap((name) => ['--cap-add', name])];
}

const NAMESPACES = ['pid', 'net', 'ipc', 'uts', 'cgroup-try'].map((name) => `--unshare-${name}`);

/** A folder under its own path. Folders above it are made empty, and passable whatever they are outside. */
function shownFolder(path: string): string[] {
  const above: string[] = [];
  for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) above.unshift(folder);
  return [
    ...above.flatMap((folder) => ['--perms', '0755', '--dir', folder]),
    ...['--ro-bind', path, path],
  ];
}

export interface BubblewrapOptions {
  /** Folders of the host to show read-only under the same path. */
  readonly folders: readonly string[];
  readonly isRoot: boolean;
  /** Variables inside; none of the host's are. */
  readonly env: Readonly<Record<string, string>>;
}

/** Arguments of bwrap before the command. */
export function bubblewrapArguments({ folders, isRoot, env }: BubblewrapOptions): string[] {
  const writable = Object.entries(WRITABLE).flatMap(([path, mib]) => [
    ...['--size', String(mib << 20), '--perms', '1777', '--tmpfs', path],
  ]);
  const shown = folders.filter((path) => !`${path}/`.startsWith('/usr/'));
  return [
    ...identity(isRoot),
    ...NAMESPACES,
    ...['--die-with-parent', '--new-session', '--as-pid-1'],
    ...SYSTEM.flatMap(systemFolder),
    ...SETTINGS.flatMap((path) => ['--ro-bind-try', path, path]),
    ...['--proc', '/proc', '--dev', '/dev'],
    ...writable,
    ...shown.flatMap(shownFolder),
    ...['--remount-ro', '/dev', '--remount-ro', '/'],
    ...['--clearenv', ...Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value])],
    ...['--chdir', '/scratch', '--hostname', 'sandbox'],
  ];
}

async function probe(program: string): Promise<SandboxSupport> {
  const run = promisify(execFile);
  const { stdout } = await run(program, ['--version']);
  const version = stdout.trim().split(' ').at(-1) ?? '';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major === 0 && minor < OLDEST[1]) {
    const problem = `${program} is version ${version}, which is too old`;
    return { available: false, problem, remedy: INSTALL };
  }
  const isRoot = process.getuid?.() === 0;
  const args = bubblewrapArguments({ folders: [], isRoot, env: {} });
  await run(program, [...args, '/bin/true']);
  return { available: true, program, version };
}

/** Looks, and really makes an empty sandbox. */
export async function sandboxSupport(): Promise<SandboxSupport> {
  if (process.platform !== 'linux') {
    const problem = `Python code runs on Linux only, and this is ${process.platform}`;
    return { available: false, problem, remedy: 'Use Linux (a container on a Mac, WSL 2)' };
  }
  const program = findProgram('bwrap');
  if (program === null) {
    return { available: false, problem: 'bubblewrap is not on PATH', remedy: INSTALL };
  }
  try {
    return await probe(program);
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    const why = stderr?.trim().split('\n')[0] || String(error);
    return {
      available: false,
      problem: `${program} cannot make a sandbox here (${why})`,
      remedy:
        'Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, or a container with SYS_ADMIN)',
    };
  }
}
