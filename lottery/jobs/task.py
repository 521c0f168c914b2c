"""What submitit runs in a job: a process of its own, which computes what a request names into the shared store."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from lottery.jobs.request import read


class Task:
    """A job's work, known by the file of its request alone: nothing else is frozen when it is submitted.

    A job that is preempted, or at the end of its time, begins anew, and what is in the store by then is not missing.
    """

    def __init__(self, request: str):
        self.request = request

    def __call__(self) -> None:
        """Compute; exit with the status of that, if it failed. Signals reach this process, which ends the other one."""
        request = read(Path(self.request))
        environment = os.environ | request.environment
        process = subprocess.Popen(command(self.request), cwd=request.folder, env=environment, preexec_fn=_left_alone)
        parent, status = os.getppid(), None
        try:
            while status is None and os.getppid() == parent:  # on one machine jobs are cancelled by ending that
                with suppress(subprocess.TimeoutExpired):
                    status = process.wait(timeout=1)
        finally:
            process.kill()  # where this process has to end first: its locks have to go before the job begins anew
            process.wait()
        if status != 0:
            raise SystemExit(
                status or 1
            )  # its own last words stand in the log, and no traceback of this process after them

    def checkpoint(self) -> Any:
        """Return what the job goes on with: the same request."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _left_alone() -> None:
    """Ignore, in the process that computes, the signals that tell a job of its end: Slurm sends them to both."""
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)


def command(request: str) -> list[str]:
    """Return the command that computes what a request names: the run's own, in one process, without its last part."""
    told = read(Path(request))
    own = ["-n0", f"--lottery-request={request}", f"--lottery-device={told.device}"]
    return [sys.executable, "-m", "pytest", "-p", "lottery.plugin.hooks", *told.arguments, *own]
