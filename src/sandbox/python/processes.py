"""Looks at, ends and cleans up after the processes of a sandbox. Linux only: reads /proc."""

import collections
import errno
import os
import select
import signal
import stat
import time

import confine

PAGE = os.sysconf("SC_PAGE_SIZE")
SWEEP_SECONDS = 5.0

Usage = collections.namedtuple("Usage", "count bytes")
baseline = 0


def status_fields(pid):
    """State and parent of a process; None when it is gone."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            state, parent = file.read().rpartition(b")")[2].split()[:2]
        return state, int(parent)
    except (OSError, ValueError):
        return None


def exists(pid):
    fields = status_fields(pid)
    return fields is not None and fields[0] not in (b"Z", b"X")


def living():
    """Pid to parent, without zombies."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = status_fields(int(name))
            if fields is not None and fields[0] not in (b"Z", b"X"):
                found[int(name)] = fields[1]
    return found


def others():
    """Everything in the sandbox but the supervisor: all of its namespace, or else all its descendants."""
    me = os.getpid()
    parents = living()
    if me == 1:
        return [pid for pid in parents if pid != 1]

    def descends(pid):
        while pid in parents and pid != me:
            pid = parents[pid]
        return pid == me

    return [pid for pid in parents if pid != me and descends(pid)]


def resident(pid):
    try:
        with open("/proc/%d/statm" % pid, "rb") as file:
            return int(file.read().split()[1]) * PAGE
    except (OSError, ValueError, IndexError):
        return 0


def measure_baseline():
    """Pages of the preloaded interpreter, which forks share."""
    global baseline
    baseline = resident(os.getpid())


def usage():
    pids = others()
    return Usage(len(pids), sum(max(0, resident(pid) - baseline) for pid in pids))


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        pass


def end(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError as error:
        if error.errno not in (errno.ESRCH, errno.EPERM):
            raise


def sweep(keep):
    """Ends every process of the sandbox but the kept ones. Exits, and all with it, when that cannot be done."""
    until = time.monotonic() + SWEEP_SECONDS
    while True:
        if os.getpid() == 1 and not keep:
            end(-1)
        left = [pid for pid in others() if pid not in keep]
        for pid in left:
            end(pid)
        reap()
        if not left:
            return
        if time.monotonic() > until:
            os._exit(72)
        time.sleep(0.001)


def describe_end(status):
    if not isinstance(status, int):
        return "the process ended early"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            return "the process was ended by %s" % signal.Signals(number).name
        except ValueError:
            return "the process was ended by signal %d" % number
    return "the process ended early (exit code %d)" % os.WEXITSTATUS(status)


class Ended:
    """Whether a child has ended, and how."""

    def __init__(self, child):
        self.child = child
        self.status = None

    def check(self):
        if self.status is None:
            pid, status = os.waitpid(self.child, os.WNOHANG)
            if pid == self.child:
                self.status = status
        return self.status is not None

    def describe(self):
        return describe_end(self.status)


def write_all(descriptor, data, deadline):
    """False when the reader did not take it all in time."""
    os.set_blocking(descriptor, False)
    while data:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([], [descriptor], [], left)[1]:
            return False
        try:
            data = data[os.write(descriptor, data):]
        except BlockingIOError:
            continue
        except BrokenPipeError:
            return False
    return True


class Cleaner:
    """
    Empties the folders that snippets may write to. They are held open from the start and links are never
    followed, so that a snippet cannot point the cleaning elsewhere; it runs as the snippets' user.
    """

    def __init__(self, uid, folders):
        self.uid = uid
        self.folders = folders
        self.handles = [os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW) for folder in folders]
        self.given = {handle: set(os.listdir(handle)) for handle in self.handles}

    def left(self, handle):
        return [name for name in os.listdir(handle) if name not in self.given[handle]]

    def clean(self):
        if not any(self.left(handle) for handle in self.handles):
            return
        supervisor = os.getpid()
        child = os.fork()
        if child == 0:
            try:
                confine.become(self.uid, supervisor)
                for handle in self.handles:
                    empty(handle, self.left(handle))
                os._exit(0)
            finally:
                os._exit(73)
        os.waitpid(child, 0)
        if any(self.left(handle) for handle in self.handles):
            os._exit(73)


def empty(handle, names):
    for name in names:
        if not stat.S_ISDIR(os.lstat(name, dir_fd=handle).st_mode):
            os.unlink(name, dir_fd=handle)
            continue
        os.chmod(name, 0o700, dir_fd=handle)
        folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
        empty(folder, os.listdir(folder))
        os.close(folder)
        os.rmdir(name, dir_fd=handle)
