"""A whole Slurm on this machine, for the time of a test: munge, one controller, two nodes on loopback.

Everything it writes is in one folder, and only its own processes are ended. Needs root, for the daemons.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
NODES = ("attrax1", "attrax2")

CONFIGURATION = """
ClusterName=attrax
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=10
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=5,batch_sched_delay=1
MpiDefault=none
ReturnToService=2
SlurmdTimeout=10
SlurmdParameters=config_overrides
SlurmctldTimeout=30
KillWait=5
MessageTimeout=30
JobRequeue=1
{nodes}
PartitionName=short Nodes={names} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Why a cluster cannot be started here; nothing when it can."""
    absent = [name for name in DAEMONS if shutil.which(name) is None]
    if absent:
        return f"{', '.join(absent)} not found; Debian has them in slurm-wlm and munge"
    return "" if os.geteuid() == 0 else "Slurm's daemons need root"


@dataclass
class Cluster:
    """A running Slurm.

    Attributes:
        folder: of all its files.
        cores: that each node says it has; more than there are where jobs sleep most of the time.
        environment: with which Slurm's commands find it.
        processes: its daemons, by name.
    """

    folder: Path
    cores: int = field(default_factory=lambda: os.cpu_count() or 1)
    environment: dict[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __enter__(self) -> "Cluster":
        """Starts the daemons and waits for the nodes."""
        self.folder.mkdir(parents=True)
        (self.folder / "state").mkdir()
        self.folder.chmod(0o755)
        ports = _free_ports(1 + len(NODES))
        host = socket.gethostname().split(".")[0]
        nodes = "\n".join(
            f"NodeName={name} NodeAddr=127.0.0.1 NodeHostname={host} Port={port} CPUs={self.cores} State=UNKNOWN"
            for name, port in zip(NODES, ports[1:], strict=True)
        )
        text = CONFIGURATION.format(
            host=host, controller=ports[0], folder=self.folder, nodes=nodes, names=",".join(NODES)
        )
        (self.folder / "slurm.conf").write_text(text)
        self.environment = {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}
        try:
            self._start_munge()
            self._start("slurmctld", "slurmctld", "-D", "-c")
            for name in NODES:
                self.start_node(name)
            self._wait_for_nodes()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the daemons, jobs first."""
        with suppress(subprocess.SubprocessError, TimeoutError):
            self.run("scancel", "--user", "root")
            _wait(lambda: not self.run("squeue", "--noheader").strip(), 30, "jobs do not end")
        for process in reversed(self.processes.values()):
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start_node(self, name: str) -> None:
        """Starts a node's daemon."""
        (self.folder / f"spool-{name}").mkdir(exist_ok=True)
        self._start(name, "slurmd", "-D", "-N", name)

    def kill_node(self, name: str) -> None:
        """Kills a node: its daemon and all that runs on it, without a word to anybody."""
        self.processes[name].kill()
        self.processes[name].wait()
        # First the keepers of its job steps, or they would report their jobs' end. They have the
        # node's log open.
        log = self.folder / f"slurmd-{name}.log"
        _kill(lambda process: log in _open_files(process))
        mine = {f"SLURMD_NODENAME={name}".encode(), f"SLURM_CONF={self.folder / 'slurm.conf'}".encode()}
        _kill(lambda process: mine <= set((process / "environ").read_bytes().split(b"\0")))

    def run(self, *command: str) -> str:
        """Runs one of Slurm's commands; what it says."""
        return subprocess.run(
            command, env=self.environment, check=True, capture_output=True, text=True, timeout=60
        ).stdout

    def logs(self) -> str:
        """What the daemons have logged, for a test that failed."""
        return "\n".join(f"== {path.name}\n{path.read_text()[-4000:]}" for path in sorted(self.folder.glob("*.log")))

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        self._start(
            "munged",
            "munged",
            "--foreground",
            f"--key-file={key}",
            f"--socket={self.folder / 'munge.socket'}",
            f"--pid-file={self.folder / 'munge.pid'}",
            f"--log-file={self.folder / 'munge.log'}",
            f"--seed-file={self.folder / 'munge.seed'}",
            "--force",
        )
        _wait((self.folder / "munge.socket").exists, 20, "munge did not start")

    def _start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as out:
            self.processes[name] = subprocess.Popen(
                command, env=self.environment, stdout=out, stderr=out, start_new_session=True
            )

    def _wait_for_nodes(self) -> None:
        def ready() -> bool:
            try:
                states = self.run("sinfo", "--noheader", "-N", "--format", "%T").split()
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
                return False
            return states.count("idle") == len(NODES)

        _wait(ready, 60, "the nodes did not come up")


def _kill(chosen: Callable[[Path], bool]) -> None:
    """Kills the processes whose folder in /proc is chosen."""
    for process in Path("/proc").glob("[0-9]*"):
        # A process may end while it is looked at.
        with suppress(OSError):
            if chosen(process):
                os.kill(int(process.name), signal.SIGKILL)


def _open_files(process: Path) -> set[Path]:
    return {link.readlink() for link in (process / "fd").iterdir()}


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _wait(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(otherwise)
        time.sleep(0.2)
