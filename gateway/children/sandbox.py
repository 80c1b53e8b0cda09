"""What a child process gives up before it sees a stranger's bytes. Each step is tried; what took effect is told."""

import contextlib
import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LINUX: Final = sys.platform == "linux"
_LIBC: Final = ctypes.CDLL(None, use_errno=True)

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_FILTER: Final = 2
_CLONE_NEWNET: Final = 0x40000000
_CLONE_NEWUSER: Final = 0x10000000
_LANDLOCK_CREATE: Final = 444
_LANDLOCK_ADD: Final = 445
_LANDLOCK_RESTRICT: Final = 446
_LANDLOCK_BELOW: Final = 1
_LANDLOCK_READ_FILE: Final = 1 | 1 << 2  # run, read a file
_LANDLOCK_READ: Final = _LANDLOCK_READ_FILE | 1 << 3  # and read a folder
_LANDLOCK_ALL_FS: Final = (1 << 13) - 1  # every file right of landlock's first version
_EPERM: Final = 1
_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_KILL: Final = 0x80000000
_NOFILE: Final = 16
_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K


@dataclass(frozen=True, slots=True)
class _Calls:
    """The system calls a parser needs: memory, clocks, reading and writing what is open, ending."""

    arch: int  # AUDIT_ARCH_*
    allowed: tuple[int, ...]
    mapping: tuple[int, ...]  # mmap, mprotect: not executable
    limits: int  # prlimit64: of this process only


_CALLS: Final = {
    "x86_64": _Calls(
        0xC000003E,
        (0, 1, 3, 5, 7, 8, 11, 12, 13, 14, 15, 19, 20, 23, 24, 25, 28, 35, 39, 44, 45, 60, 72, 96, 97, 98, 131, 186,
         201, 202, 219, 228, 229, 230, 231, 262, 270, 271, 273, 318, 324, 334),
        (9, 10),
        302,
    ),
    "aarch64": _Calls(
        0xC00000B7,
        (25, 57, 62, 63, 64, 65, 66, 72, 73, 79, 80, 93, 94, 98, 99, 101, 113, 114, 115, 124, 128, 132, 134, 135, 139,
         163, 165, 169, 172, 178, 206, 207, 214, 215, 216, 233, 278, 283, 293),
        (222, 226),
        261,
    ),
}  # fmt: skip
_PROT_EXEC: Final = 4
_ARGUMENT: Final = 16  # offset of the first argument in seccomp_data; eight bytes each


def die_with_parent(parent: int) -> None:
    """Be killed when the parent ends; end now if it has ended already."""
    if _LINUX:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def leave_network() -> bool:
    """A network of its own, with nothing in it, for this process and its children."""
    if not _LINUX:
        return False
    return any(_LIBC.unshare(flags) == 0 for flags in (_CLONE_NEWNET, _CLONE_NEWNET | _CLONE_NEWUSER))


def limit_resources(memory_bytes: int, *, beyond_now: bool = True) -> None:
    """No core dumps, no written files, few descriptors, so much memory (beyond what is mapped now)."""
    mapped = (
        0
        if not beyond_now
        else int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        if _LINUX
        else 0
    )
    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _NOFILE),
        (resource.RLIMIT_AS, mapped + memory_bytes),
    ):
        _, hard = resource.getrlimit(kind)
        capped = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (capped, capped))


def limit_cpu(seconds: int) -> None:
    """So much processor time from now on, then SIGXCPU."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard))


def lock_down() -> tuple[str, ...]:
    """Give up opening files, sockets and programs for good. The names of what the kernel granted."""
    if not _LINUX:
        return ()
    _LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return ()
    granted = [name for name, step in (("landlock", _landlock), ("seccomp", _seccomp)) if step()]
    return tuple(granted)


def lock_to_reading(paths: Sequence[str]) -> tuple[str, ...]:
    """Leave what lies below `paths` to be read and run, and nothing to be written: for a program that is started next.

    The names of what the kernel granted.
    """
    if not _LINUX:
        return ()
    if _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return ()
    return ("landlock",) if _landlock(paths) else ()


def _landlock(readable: Sequence[str] = ()) -> bool:
    """No path of the file system may be opened any more but these, for reading and running (landlock(7))."""
    rights = ctypes.c_uint64(_LANDLOCK_ALL_FS)
    rules = _LIBC.syscall(_LANDLOCK_CREATE, ctypes.byref(rights), ctypes.sizeof(rights), 0)
    if rules < 0:
        return False
    for path in readable:
        with contextlib.suppress(OSError):
            below = os.open(path, os.O_PATH | os.O_CLOEXEC)
            granted = _LANDLOCK_READ if Path(path).is_dir() else _LANDLOCK_READ_FILE
            rule = ctypes.create_string_buffer(struct.pack("=Qi", granted, below))
            _LIBC.syscall(_LANDLOCK_ADD, rules, _LANDLOCK_BELOW, rule, 0)
            os.close(below)
    restricted = bool(_LIBC.syscall(_LANDLOCK_RESTRICT, rules, 0) == 0)
    os.close(rules)
    return restricted


def _seccomp() -> bool:
    """Only the calls of the list; any other fails with EPERM (seccomp(2), a classic BPF program)."""
    known = _CALLS.get(platform.machine())
    if known is None:
        return False
    program = [_load(4), _jump(_EQUAL, known.arch, 1, 0), _return(_KILL), _load(0)]
    for call in known.mapping:
        program += [_jump(_EQUAL, call, 0, 4), _load(_ARGUMENT + 16), _jump(_ANY_BIT, _PROT_EXEC, 0, 1)]
        program += [_return(_ERRNO | _EPERM), _return(_ALLOW)]
    program += [_jump(_EQUAL, known.limits, 0, 4), _load(_ARGUMENT), _jump(_EQUAL, 0, 1, 0)]
    program += [_return(_ERRNO | _EPERM), _return(_ALLOW)]
    for number, call in enumerate(known.allowed):
        program.append(_jump(_EQUAL, call, len(known.allowed) - number, 0))
    program += [_return(_ERRNO | _EPERM), _return(_ALLOW)]
    code = ctypes.create_string_buffer(b"".join(program))
    header = struct.pack("HL" if struct.calcsize("P") == 8 else "HI", len(program), ctypes.addressof(code))
    return bool(_LIBC.prctl(_PR_SET_SECCOMP, _SECCOMP_FILTER, header, 0, 0) == 0)


def _load(offset: int) -> bytes:
    return struct.pack("HBBI", 0x20, 0, 0, offset)


def _jump(test: int, value: int, yes: int, no: int) -> bytes:
    return struct.pack("HBBI", test, yes, no, value)


def _return(value: int) -> bytes:
    return struct.pack("HBBI", 0x06, 0, 0, value)
