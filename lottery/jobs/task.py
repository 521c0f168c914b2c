"""What submitit runs in a job: a process of its own, which computes what a request names into the shared store."""

import os
import subprocess
import sys
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
        process = subprocess.Popen(command(self.request), cwd=request.folder, env=os.environ | request.environment)
        try:
            status = process.wait()
        finally:
            process.kill()  # where this process has to end first: its locks have to go before the job begins anew
            process.wait()
        if status:
            raise SystemExit(status)  # its own last words stand in the log, and no traceback of this process after them

    def checkpoint(self) -> Any:
        """Return what the job goes on with: the same request."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def command(request: str) -> list[str]:
    """Return the command that computes what a request names: the run's own, in one process, without its last part."""
    told = read(Path(request))
    own = ["-n0", f"--lottery-request={request}", f"--lottery-device={told.device}"]
    return [sys.executable, "-m", "pytest", "-p", "lottery.plugin.hooks", *told.arguments, *own]
