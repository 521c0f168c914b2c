"""A Slurm of one node, from Debian's packages, with all that it writes in a folder of its own; root starts it by hand.

No systemd, no cgroups, no accounting: what a container lacks. Two partitions share the node: what is sent to `high` has
Slurm put jobs of `low` back into the queue.
"""

import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "srun", "munged")
CONFIGURATION = """
ClusterName=lottery
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=1,sched_interval=2,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=5
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} State=UNKNOWN
PartitionName=low Nodes={host} Default=YES State=UP PriorityTier=1 PreemptMode=REQUEUE
PartitionName=high Nodes={host} State=UP PriorityTier=2
"""


class Unavailable(Exception):
    """Why there can be no Slurm here."""


def install() -> None:
    """Install what is missing of Debian's packages; raise `Unavailable` where that cannot be."""
    if all(map(shutil.which, PROGRAMS)):
        return
    if os.geteuid():
        raise Unavailable("slurmctld and slurmd are not installed, and only root can install them")
    if not shutil.which("apt-get"):
        raise Unavailable("slurmctld and slurmd are not installed, and there is no apt-get to install them with")
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=False)
    words = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *PACKAGES]
    found = subprocess.run(words, env=quiet, capture_output=True, text=True)
    if found.returncode or not all(map(shutil.which, PROGRAMS)):
        said = (found.stderr or found.stdout).strip().splitlines()[-1:]
        raise Unavailable(f"apt-get install {' '.join(PACKAGES)} failed: {''.join(said)}")


class Node:
    """The node, from `start` to `stop`."""

    def __init__(self, folder: Path):
        self.folder, self.configuration = folder, folder / "slurm.conf"
        self.environment = os.environ | {"SLURM_CONF": str(self.configuration)}
        self._started: list[subprocess.Popen] = []

    def start(self) -> None:
        """Start munged, slurmctld and slurmd, and wait until jobs can be sent; raise `Unavailable` if one does not."""
        if os.geteuid():
            raise Unavailable("slurmd has to be started by root")
        for name in ("state", "spool"):
            (self.folder / name).mkdir(parents=True)
        host, pages = socket.gethostname().partition(".")[0], os.sysconf("SC_PHYS_PAGES")
        filled = CONFIGURATION.format(
            host=host,
            folder=self.folder,
            ports=_free_ports(2),
            cores=os.cpu_count(),
            memory=pages * os.sysconf("SC_PAGE_SIZE") // 2**20 - 100,
        )
        self.configuration.write_text(filled)
        self._start_munge()
        for words in (["slurmctld", "-D"], ["slurmd", "-D", "-N", host]):
            self._start(words)
        deadline = time.monotonic() + 60
        while "idle" not in self.says("sinfo", "--noheader", "--format=%T"):
            ended = [one.args for one in self._started if one.poll() is not None]
            if ended or time.monotonic() > deadline:
                logs = " ".join(f"{name}: {self._last(name)}" for name in ("slurmctld", "slurmd"))
                raise Unavailable(f"the node did not come up; {logs}")
            time.sleep(0.5)

    def _start_munge(self) -> None:
        """Start munged with a key and a socket of this node's own: a munge that runs here is left alone."""
        key, socket_file = self.folder / "munge.key", self.folder / "munge.socket"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        places = {"key-file": key, "socket": socket_file, "pid-file": self.folder / "munged.pid"}
        places |= {"log-file": self.folder / "munged.log", "seed-file": self.folder / "munged.seed"}
        self._start(["munged", "--foreground", "--force", *(f"--{name}={place}" for name, place in places.items())])
        text = self.configuration.read_text().replace("cred_expire=5", f"cred_expire=5,socket={socket_file}")
        self.configuration.write_text(text)
        for _ in range(100):
            if socket_file.exists():
                return
            time.sleep(0.1)
        raise Unavailable("munged did not start")

    def _start(self, words: list[str]) -> None:
        log = (self.folder / f"{words[0]}.said").open("wb")
        self._started.append(subprocess.Popen(words, env=self.environment, stdout=log, stderr=log))

    def _last(self, name: str) -> str:
        text = "".join(
            (self.folder / f"{name}.{end}").read_text(errors="replace")
            for end in ("said", "log")
            if (self.folder / f"{name}.{end}").exists()
        )
        return (text.strip().splitlines() or ["said nothing"])[-1]

    def says(self, *words: str) -> str:
        """Return what one of Slurm's commands prints, or nothing where it fails."""
        found = subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=60)
        return "" if found.returncode else found.stdout

    def stop(self) -> None:
        """End all jobs and the daemons that `start` started."""
        self.says("scancel", "--partition=low")
        self.says("scancel", "--partition=high")
        for one in reversed(self._started):
            one.terminate()
            with suppress(subprocess.TimeoutExpired):
                one.wait(timeout=15)
            one.kill()


def _free_ports(count: int) -> list[int]:
    """Return ports that nobody listens at."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
