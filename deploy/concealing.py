"""Starts a program with arguments that no list of processes shows; standard library alone, for the guard.

Every local user can read ``/proc/PID/cmdline``, and ``tritonserver`` takes its secret by argument alone. So it is
started with a placeholder, stopped by ptrace before its first instruction, and given another argument vector: lower on
its stack, outside of what the kernel shows as ``cmdline`` and ``environ``. There is no moment at which these hold it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

_PTRACE_TRACEME, _PTRACE_PEEKUSER, _PTRACE_POKEUSER, _PTRACE_CONT, _PTRACE_DETACH = 0, 3, 6, 7, 17
_PTRACE_SETSIGMASK = 0x420B
_MASK_BYTES = 8  # of the kernel's signal mask, which has a bit a signal
_STACK_POINTER = 19 * 8  # where x86-64's `user_regs_struct` has it
_MOST_BYTES = 1 << 20
_ALIGNMENT = 16
_WORD = 8
_TRACED, _SHOWN = b"t", b"s"
_FAULTS = (OSError, ValueError, IndexError, struct.error)
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.ptrace.restype = ctypes.c_long
_LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


@dataclass(frozen=True)
class Started:
    """A program that was started.

    Args:
        pid: Its process id.
        concealed: Whether its true arguments are hidden. Where ptrace is not allowed they stand in its command line.
        status: Its wait status where it has ended already; None while it runs.
    """

    pid: int
    concealed: bool
    status: int | None = None


def start(command: Sequence[str], placeholder: str, secret: str, prepare: Callable[[], None]) -> Started:
    """Start a program; where the command has ``placeholder``, it gets ``secret``.

    Args:
        command: Program and arguments.
        placeholder: What ``cmdline`` shows.
        secret: What the program reads.
        prepare: Called in the new process before it becomes the program.

    The program begins with no signal blocked; one that was sent to it before it began reaches it then.
    """
    hidden = [argument.replace(placeholder, secret) for argument in command]
    told, told_end = os.pipe()
    pid = _fork(lambda: _become(command, hidden, told_end, prepare))
    os.close(told_end)
    with os.fdopen(told, "rb") as reader:
        shown = reader.read(1) == _SHOWN
    if shown:
        return Started(pid, concealed=False)
    status = _wait_for_program(pid)
    if os.WIFSTOPPED(status):
        try:
            _replace_arguments(pid, hidden)
        except _FAULTS as error:
            # It must not run: its secret would be the placeholder, which everybody knows.
            os.write(2, f"{command[0]}: its arguments could not be concealed: {error}\n".encode())
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
        else:
            return Started(pid, concealed=True)
    return Started(pid, concealed=True, status=status)


def _fork(become: Callable[[], NoReturn]) -> int:
    """Start a process with all signals blocked, but for the one that tells of the program's first instruction.

    Another one would stop it, once it is traced, before it is the program; or run a handler of ours in it.
    """
    before = signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals() - {signal.SIGTRAP})
    try:
        pid = os.fork()
        if pid == 0:
            become()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def _become(command: Sequence[str], hidden: Sequence[str], told_end: int, prepare: Callable[[], None]) -> NoReturn:
    try:
        prepare()
        traced = platform.machine() == "x86_64" and _LIBC.ptrace(_PTRACE_TRACEME, 0, None, None) == 0
        os.write(told_end, _TRACED if traced else _SHOWN)
        if not traced:
            signal.pthread_sigmask(signal.SIG_SETMASK, set())
        os.execv(command[0], list(command if traced else hidden))  # noqa: S606 -- no shell is wanted
    except OSError as error:
        with contextlib.suppress(OSError):
            os.write(2, f"{command[0]}: {error}\n".encode())
    os._exit(127)


def _wait_for_program(pid: int) -> int:
    """Wait status of a traced process: stopped at the program's first instruction, or ended before it came there."""
    while True:
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status) or os.WSTOPSIG(status) == signal.SIGTRAP:
            return status
        with contextlib.suppress(ProcessLookupError):  # killed just now
            _ptrace(_PTRACE_CONT, pid, 0, 0)  # SIGSTOP, which cannot be blocked


def _replace_arguments(pid: int, arguments: Sequence[str]) -> None:
    """Give a program that was stopped before its first instruction other arguments, and let it go.

    The kernel hands over, from the stack pointer up: the count of arguments, pointers to them, a null, pointers to the
    environment, a null, the auxiliary vector to its null pair. The same is laid out again further down.
    """
    top = _peek_stack_pointer(pid)
    memory = os.open(f"/proc/{pid}/mem", os.O_RDWR)
    try:
        words = _handed_over(os.pread(memory, _MOST_BYTES, top))
        if words[0] != len(arguments):
            raise ValueError(f"it has {words[0]} of them, and should have {len(arguments)}")
        strings = [argument.encode() + b"\0" for argument in arguments]
        at = _aligned(top - sum(map(len, strings)))
        pointers = [at + sum(map(len, strings[:number])) for number in range(len(strings))]
        vector = struct.pack(f"{len(words)}Q", words[0], *pointers, *words[1 + len(pointers) :])
        start_at = _aligned(at - len(vector))
        _write(memory, at, b"".join(strings))
        _write(memory, start_at, vector)
    finally:
        os.close(memory)
    _ptrace(_PTRACE_POKEUSER, pid, _STACK_POINTER, start_at)
    no_signals = ctypes.c_uint64(0)
    _ptrace(_PTRACE_SETSIGMASK, pid, _MASK_BYTES, ctypes.addressof(no_signals))
    _ptrace(_PTRACE_DETACH, pid, 0, 0)


def _handed_over(stack: bytes) -> list[int]:
    """The words from the count of arguments to the end of the auxiliary vector."""
    words = struct.unpack(f"{len(stack) // _WORD}Q", stack[: len(stack) // _WORD * _WORD])
    end = words.index(0, 2 + words[0]) + 1  # behind the environment
    while words[end]:
        end += 2
    return list(words[: end + 2])


def _aligned(address: int) -> int:
    return address & -_ALIGNMENT


def _write(memory: int, address: int, data: bytes) -> None:
    if os.pwrite(memory, data, address) != len(data):
        raise OSError("there is no room on its stack")


def _peek_stack_pointer(pid: int) -> int:
    # The system call behind the library's function stores the word; the library returns it, and -1 may be a word.
    ctypes.set_errno(0)
    word = int(_LIBC.ptrace(_PTRACE_PEEKUSER, pid, _STACK_POINTER, None))
    if word == -1 and ctypes.get_errno():
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return word


def _ptrace(request: int, pid: int, address: int, data: int) -> None:
    if _LIBC.ptrace(request, pid, address, data) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
