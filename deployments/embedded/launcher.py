"""Becomes another program, after promising to die with the process that started it.

Runs as a plain script under ``python -I -S`` (standard library only, 20 ms), between a supervisor's fork and the
server's exec::

    launcher.py PARENT_PID DEATH_SIGNAL USER -- PROGRAM ARGUMENT ...

``PR_SET_PDEATHSIG`` (prctl(2)) has the kernel send DEATH_SIGNAL when the parent dies, even by ``kill -9``. USER is a
system user to become, or ``-``. Files that root's home or a state directory of mode 0700 hide from that user stay
readable to it by one ambient capability (capabilities(7)), so that no directory's mode has to be loosened.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


def die_with_parent(parent_pid: int, death_signal: int) -> None:
    """Have the kernel signal this process when its parent dies; exits at once when that has already happened."""
    _prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent_pid:
        sys.exit(1)


def become(user: str) -> None:
    """Become a system user, keeping only the right to read past directory modes.

    Needs root. ``CAP_DAC_READ_SEARCH`` is not among the capabilities that container runtimes grant by default;
    there ``CAP_DAC_OVERRIDE``, which is, stands in.
    """
    capability = CAP_DAC_READ_SEARCH if _permitted(CAP_DAC_READ_SEARCH) else CAP_DAC_OVERRIDE
    entry = pwd.getpwnam(user)
    _prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    if _permitted(capability):
        header = _CapabilityHeader(CAPABILITY_VERSION_3, 0)
        mask = 1 << capability
        sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
        if _libc.capset(ctypes.byref(header), ctypes.byref(sets)) != 0:
            raise OSError(ctypes.get_errno(), "capset")
        _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)


def _permitted(capability: int) -> bool:
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - pathlib would double the start time
        line = next(line for line in status if line.startswith("CapPrm:"))
    return bool(int(line.split()[1], 16) & (1 << capability))


def _prctl(option: int, *arguments: int) -> None:
    padded = [*arguments, 0, 0, 0, 0][:4]
    if _libc.prctl(option, *(ctypes.c_ulong(value) for value in padded)) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def main(arguments: list[str]) -> None:
    """Do what the module's text says; does not return."""
    parent_pid, death_signal, user, _, *command = arguments
    if user != "-":
        become(user)
    # Last, since a change of user clears it.
    die_with_parent(int(parent_pid), int(death_signal))
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
