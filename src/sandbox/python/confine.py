"""What is taken from a process before it runs untrusted code: limits, identity, kernel interfaces."""

import ctypes
import os
import platform
import resource
import signal
import struct

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
MIB = 1 << 20

libc = ctypes.CDLL(None, use_errno=True)


def prctl(option, *values):
    padded = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    if libc.prctl(ctypes.c_int(option), *padded) != 0:
        raise OSError(ctypes.get_errno(), "prctl(%d)" % option)


def harden_supervisor(in_namespace):
    """Children can neither trace the supervisor nor read its memory, open its files or interrupt it."""
    prctl(PR_SET_DUMPABLE, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if not in_namespace:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_with(parent):
    """This process ends when `parent` does, or has. The kernel forgets it at a fork and at a change of the user."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(72)


def outlive_parent():
    prctl(PR_SET_PDEATHSIG, 0)


def become(uid, parent):
    """A user of its own for this sandbox: no capability, and a process count that nobody else shares."""
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    prctl(PR_SET_DUMPABLE, 1)
    end_with(parent)


def address_space():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def limit(which, value):
    hard = resource.getrlimit(which)[1]
    capped = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (capped, capped))


def set_limits(request):
    """Memory is counted on top of what the preloaded interpreter has mapped."""
    limit(resource.RLIMIT_AS, address_space() + request["memory_mib"] * MIB)
    limit(resource.RLIMIT_CPU, int(request["timeout_ms"] / 1000) + 2)
    limit(resource.RLIMIT_FSIZE, request["file_mib"] * MIB)
    limit(resource.RLIMIT_NPROC, request["processes"] + request["processes_before"])
    limit(resource.RLIMIT_NOFILE, 256)
    limit(resource.RLIMIT_CORE, 0)
    prctl(PR_SET_NO_NEW_PRIVS, 1)


# System calls by architecture: the AUDIT_ARCH constant, then numbers that are refused outright.
# They make namespaces, mount, trace, hold memory outside of any process, or reach kernel code that no
# calculation needs.
REFUSED = {
    "x86_64": (0xC000003E, 56, {
        "ptrace": 101, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "unshare": 272,
        "setns": 308, "keyctl": 250, "add_key": 248, "request_key": 249, "bpf": 321, "userfaultfd": 323,
        "perf_event_open": 298, "process_vm_readv": 310, "process_vm_writev": 311, "io_uring_setup": 425,
        "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsmount": 432, "kexec_load": 246,
        "init_module": 175, "finit_module": 313, "mount_setattr": 442, "memfd_create": 319,
        "memfd_secret": 447, "shmget": 29, "msgget": 68, "semget": 64,
    }),
    "aarch64": (0xC00000B7, 220, {
        "ptrace": 117, "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "unshare": 97,
        "setns": 268, "keyctl": 219, "add_key": 217, "request_key": 218, "bpf": 280, "userfaultfd": 282,
        "perf_event_open": 241, "process_vm_readv": 270, "process_vm_writev": 271, "io_uring_setup": 425,
        "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsmount": 432, "kexec_load": 104,
        "init_module": 105, "finit_module": 273, "mount_setattr": 442, "memfd_create": 279,
        "memfd_secret": 447, "shmget": 194, "msgget": 186, "semget": 190,
    }),
}
CLONE3 = 435
CLONE_NAMESPACES = 0x7E020000
ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, ENOSYS = 0x00050001, 0x00050026
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06


def filter_program():
    """The refusals as a BPF program; see the kernel's Documentation/userspace-api/seccomp_filter.rst."""
    known = REFUSED.get(platform.machine())
    if known is None:
        return None
    arch, clone, refused = known
    steps = [(LOAD, 0, 0, 4), (JUMP_EQUAL, 1, 0, arch), (RETURN, 0, 0, KILL), (LOAD, 0, 0, 0)]
    # Numbers from 0x40000000 on are another calling convention of the same kernel (x32).
    steps += [(JUMP_AT_LEAST, 0, 1, 0x40000000), (RETURN, 0, 0, ENOSYS)]
    for number in refused.values():
        steps += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, EPERM)]
    # The C library falls back from clone3, whose flags a filter cannot see, to clone.
    steps += [(JUMP_EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, ENOSYS)]
    steps += [(JUMP_EQUAL, 0, 3, clone), (LOAD, 0, 0, 16)]
    steps += [(JUMP_ANY_BIT, 0, 1, CLONE_NAMESPACES), (RETURN, 0, 0, EPERM), (RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


filtered = False


def refuse_system_calls():
    """Once for a process and all its forks. Needs PR_SET_NO_NEW_PRIVS, which `set_limits` sets."""
    global filtered
    program = filter_program()
    if filtered or program is None:
        return
    filtered = True
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    holder = ctypes.create_string_buffer(header, len(header))
    prctl(PR_SET_SECCOMP, 2, ctypes.addressof(holder))
