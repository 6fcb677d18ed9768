"""Starts of ``yizhan`` without the second or two that Python takes to import it: each is a fork of a process that has.

What runs is the program, from ``main`` on, in a process of its own with its own arguments, environment, files and exit.
What comes before ``main`` (the console script, what Python itself reads of the environment) is for tests that start it
with ``subprocess``.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeAlias

_MESSAGE = 1 << 17  # an environment and a few words
_OF_PYTHON = ("PYTHON", "LANG", "LC_", "LD_", "TZ")  # read before anything of ours runs

_ELSEWHERE = ("yizhan.__main__", "yizhan.testing", "yizhan.store.migrations.")  # run, by pytest and by Alembic


class Forked:
    """A process of which another one is the parent; as much of ``Popen`` as tests use."""

    def __init__(self, mother: "Mother", pid: int, args: Sequence[str]) -> None:
        self.pid, self.args = pid, args
        self.returncode: int | None = None
        self._mother = mother
        self._end = os.pidfd_open(pid)
        weakref.finalize(self, os.close, self._end)
        self._burial = threading.Lock()

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, minus the signal that has ended it. Raises TimeoutExpired after ``timeout`` seconds."""
        ends = select.poll()  # ``select`` knows no descriptors beyond 1,023
        ends.register(self._end, select.POLLIN)
        if self.returncode is None and not ends.poll(None if timeout is None else timeout * 1000):
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        with self._burial:
            if self.returncode is None:
                self.returncode = self._mother.bury(self.pid)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._end, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


Process: TypeAlias = Forked | subprocess.Popen[str]
File: TypeAlias = IO[str] | None


class Mother:
    """The process that forks, made at the first start; it ends with this one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._environ = dict(os.environ)  # what it is started with

    def start(
        self, words: Sequence[str], environ: Mapping[str, str], *, stdin: File = None, stdout: File, stderr: File = None
    ) -> Process:
        """``yizhan`` with ``words``. Where the environment changes Python itself, a Python of its own."""
        for name in {*environ, *self._environ}:
            if name.startswith(_OF_PYTHON) and environ.get(name) != self._environ.get(name):
                command = [sys.executable, "-m", "yizhan", *words]
                return subprocess.Popen(
                    command, env=dict(environ), stdin=stdin, stdout=stdout, stderr=stderr, text=True
                )
        wish = {"words": words, "environ": dict(environ), "folder": str(Path.cwd()), "umask": _umask()}
        files = [own if file is None else file.fileno() for own, file in enumerate((stdin, stdout, stderr))]
        return Forked(self, self._ask(wish, files), words)

    def bury(self, pid: int) -> int:
        """The exit status of a child that has ended."""
        return os.waitstatus_to_exitcode(self._ask({"bury": pid}, []))

    def _ask(self, wish: Mapping[str, Any], files: list[int]) -> int:
        with self._lock:
            line = self._line = self._line or self._wake()
            socket.send_fds(line, [json.dumps(wish).encode()], files)
            return int(line.recv(_MESSAGE))

    def _wake(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # Not with this file's folder in the path, where other modules would hide behind those of the tests.
            command = [sys.executable, "-P", __file__, str(theirs.fileno())]
            self._process = subprocess.Popen(command, env=self._environ, pass_fds=[theirs.fileno()])
        atexit.register(self._rest)
        return ours

    def _rest(self) -> None:
        assert self._line is not None and self._process is not None
        self._line.close()
        self._process.wait(20)


MOTHER = Mother()


def _umask() -> int:
    os.umask(mask := os.umask(0o077))
    return mask


def _brood(line: socket.socket) -> list[str]:
    """Fork whenever somebody asks; comes back in the child only, with its words."""
    for module in pkgutil.walk_packages(importlib.import_module("yizhan").__path__, "yizhan."):
        if not module.name.startswith(_ELSEWHERE):
            importlib.import_module(module.name)
    assert threading.active_count() == len([*Path("/proc/self/task").iterdir()]) == 1  # what a fork would tear
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the tests
    gc.collect()
    gc.freeze()
    while True:
        said, files, _, _ = socket.recv_fds(line, _MESSAGE, 3)
        if not said:
            os._exit(0)
        wish = json.loads(said)
        if "bury" in wish:
            answer = os.waitpid(wish["bury"], 0)[1]
        elif not (answer := os.fork()):
            line.close()
            return _become(wish, files)
        for file in files:
            os.close(file)
        line.send(str(answer).encode())


def _become(wish: Mapping[str, Any], files: list[int]) -> list[str]:
    """The process that was asked for."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.unfreeze()
    os.chdir(wish["folder"])
    os.umask(wish["umask"])
    os.environ.clear()
    os.environ.update(wish["environ"])
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(3, max(files) + 1)
    sys.stdin, sys.stdout, sys.stderr = (_stream(*one) for one in ((0, sys.stdin), (1, sys.stdout), (2, sys.stderr)))
    return [*wish["words"]]


def _stream(number: int, old: Any) -> IO[str]:
    """As Python makes it at its start."""
    how: dict[str, Any] = {"encoding": old.encoding, "errors": old.errors, "closefd": False}
    lines = number == 2 or os.isatty(number)
    stream: IO[str] = os.fdopen(number, "r" if number == 0 else "w", buffering=1 if lines else -1, **how)
    return stream


if __name__ == "__main__":
    sys.argv[1:] = _brood(socket.socket(fileno=int(sys.argv[1])))
    from yizhan.cli.app import main

    main()
