/** Names a process so that others can tell later whether it still runs. Start times are read on Linux only. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Process namespace (a container's own): a pid means something only inside it. Null: not known. */
  readonly namespace: string | null;
  /** Clock ticks from boot to the start, so that a reused pid is told apart. Null: not known. */
  readonly start: string | null;
}

export function thisProcess(): ProcessIdentity {
  const { pid } = process;
  return { pid, host: hostname(), namespace: namespace(), start: processStat(pid)?.start ?? null };
}

/** `unknown`: it is on another machine or in another namespace. */
export function lifeOf(other: ProcessIdentity): 'alive' | 'gone' | 'unknown' {
  const { pid, host, start } = other;
  const isElsewhere = (other.namespace ?? namespace()) !== namespace();
  if (host !== hostname() || isElsewhere) return 'unknown';
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'alive' : 'gone';
  }
  const stat = processStat(pid);
  if (stat?.state === 'Z') return 'gone'; // killed, and not yet collected by its parent
  return (start ?? null) === null || stat?.start === start ? 'alive' : 'gone';
}

/** Whether a process of this machine with the number is there, whichever it is. */
export const isRunning = (pid: number): boolean =>
  lifeOf({ ...thisProcess(), pid, start: null }) === 'alive';

function namespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return null;
  }
}

/** Fields 3 and 22 of `/proc/<pid>/stat`; null where there is no such file. */
function processStat(pid: number): { readonly state: string; readonly start: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', start: fields[19] ?? '' };
  } catch {
    return null;
  }
}
