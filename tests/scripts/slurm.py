"""A SLURM of this machine alone, for tests: its own key, configuration and ports, in a temporary folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scancel", "sinfo")
NODES = 2
MAX_SECONDS = 30
_CONFIGURATION = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={ports[0]}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=1,batch_sched_delay=0
KillWait=20
JobRequeue=1
{nodes}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
_NODE = "NodeName=machine{number} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 State=UNKNOWN"


def missing() -> str | None:
    """Return why SLURM cannot be started here; None if it can."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    if absent:
        return f"SLURM is not installed ({', '.join(absent)}): apt-get install slurm-wlm munge"
    return None if os.geteuid() == 0 else "slurmd must be started by root"


@dataclass(frozen=True)
class Slurm:
    """A running SLURM of `NODES` nodes with two CPUs each, all of them this machine. environment: of its commands."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, *words: str, timeout: float = MAX_SECONDS) -> str:
        """Return what one of SLURM's commands prints; raises AssertionError if it fails."""
        ended = subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=timeout)
        assert ended.returncode == 0, f"{' '.join(words)}: {ended.stderr}\n{self.logs()}"
        return ended.stdout.strip()

    def begin_now(self, job: str) -> None:
        """Begin a job that is back in the queue, where SLURM would let it wait for two minutes.

        Not within the second in which it was put back: a node takes that for the job that it has just ended.
        """
        self._until(job, "PENDING")
        self.run("scontrol", "update", f"JobId={job}", "StartTime=now+3")

    def _until(self, job: str, state: str) -> None:
        for _ in range(MAX_SECONDS * 10):
            if self.run("squeue", "--noheader", f"--jobs={job}", "--format=%T") == state:
                return
            subprocess.run(["sleep", "0.2"], check=True)
        raise AssertionError(f"job {job} is not {state}\n{self.logs()}")

    def logs(self) -> str:
        """Return the ends of the logs of its daemons."""
        return "\n".join(f"{path.name}: {path.read_text()[-2000:]}" for path in sorted(self.folder.glob("*.log")))


@contextmanager
def slurm() -> Iterator[Slurm]:
    """Yield a SLURM whose nodes are idle; its daemons are ended afterwards, with all that they run."""
    with tempfile.TemporaryDirectory(prefix="slurm", dir="/tmp") as name, ExitStack() as ending:
        folder = Path(name)
        folder.chmod(0o755)
        environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": _path()}
        made = Slurm(folder, environment)
        _configure(folder)
        for words in _daemons(folder):
            ending.enter_context(_running(words, environment, folder))
        states = ["sinfo", "--noheader", "--format=%T", "--Node"]
        for _ in range(MAX_SECONDS * 5):
            ended = subprocess.run(states, env=environment, capture_output=True, text=True, timeout=MAX_SECONDS)
            if ended.stdout.split() == ["idle"] * NODES:
                break
            subprocess.run(["sleep", "0.2"], check=True)
        else:
            raise AssertionError(f"SLURM's nodes are not idle: {ended.stdout} {ended.stderr}\n{made.logs()}")
        yield made


def _path() -> str:
    return os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])


def _configure(folder: Path) -> None:
    host = socket.gethostname().partition(".")[0]
    ports = _free_ports(1 + NODES)
    nodes = [_NODE.format(number=number, host=host, port=ports[number]) for number in range(1, NODES + 1)]
    text = _CONFIGURATION.format(folder=folder, host=host, user="root", ports=ports, nodes="\n".join(nodes))
    (folder / "slurm.conf").write_text(text)
    (folder / "cgroup.conf").write_text("CgroupPlugin=autodetect\nIgnoreSystemd=yes\n")
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o600)
    (folder / "state").mkdir()


def _daemons(folder: Path) -> Iterator[Sequence[str]]:
    files = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munge.pid", "log-file": "munge.log"}
    files["seed-file"] = "munge.seed"
    yield ["munged", "--foreground", "--force", *(f"--{name}={folder / file}" for name, file in files.items())]
    yield ["slurmctld", "-D", "-f", str(folder / "slurm.conf")]
    for number in range(1, NODES + 1):
        yield ["slurmd", "-D", "-N", f"machine{number}", "-f", str(folder / "slurm.conf")]


@contextmanager
def _running(words: Sequence[str], environment: Mapping[str, str], folder: Path) -> Iterator[None]:
    with (folder / f"{words[0]}.out.log").open("a") as out:
        process = subprocess.Popen(words, env=environment, stdout=out, stderr=out, start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(MAX_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [held.getsockname()[1] for held in sockets]
