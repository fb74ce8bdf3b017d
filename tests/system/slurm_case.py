# SPDX-License-Identifier: MIT
"""A real Slurm of this machine alone, with daemons, keys and ports of its own, and what happens to jobs of launch/slurm.sbatch."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import support

CONFIG = """
ClusterName=meha{pid}
SlurmctldHost={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
MpiDefault=pmix
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmdParameters=config_overrides
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobRequeue=1
KillWait=5
SlurmdTimeout=5
SchedulerParameters=sched_interval=2,batch_sched_delay=1
FirstJobId={first_job}
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
{nodes}
PartitionName=all Nodes=ALL Default=YES State=UP MaxTime=INFINITE
"""

WAITING = ("PENDING", "CONFIGURING")


def missing():
    if os.geteuid() != 0:
        return "needs root to start Slurm's daemons"
    for name in ("slurmctld", "slurmd", "sbatch", "munged"):
        if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin"):
            return f"{name} is not installed (launch/install-deps --tests)"
    return None


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class SlurmCase(support.RestartCase):
    address = "127.0.0.1"  # of the controller

    def setUp(self):
        super().setUp()
        reason = missing()
        if reason:
            self.skipTest(reason)
        self.slurm = self.folder / "slurm"
        for name in ("state", "pmix"):
            (self.slurm / name).mkdir(parents=True)
        host = socket.gethostname().split(".")[0]
        nodes = self.make_nodes(host)
        # Open MPI names shared memory by the job's number: that of another Slurm on this host must be another.
        first_job = 1 + os.getpid() % 60000 * 1000
        (self.slurm / "slurm.conf").write_text(CONFIG.format(pid=os.getpid(), controller=f"{host}({self.address})", folder=self.slurm,
                                                             ports=free_ports(2), nodes=nodes, first_job=first_job))
        (self.slurm / "cgroup.conf").write_text("CgroupPlugin=autodetect\n")
        (self.slurm / "mpi.conf").write_text(f"PMIxCliTmpDirBase={self.slurm}/pmix\n")
        self.environment = support.environment() | {"SLURM_CONF": str(self.slurm / "slurm.conf"), "PATH": os.environ["PATH"] + ":/usr/sbin"}
        self.daemons = []
        self.addCleanup(self.end_all)
        key = self.slurm / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        self.daemon("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={self.slurm}/munge.socket",
                    f"--pid-file={self.slurm}/munge.pid", f"--log-file={self.slurm}/munge.log", f"--seed-file={self.slurm}/munge.seed")
        try:
            support.wait_for((self.slurm / "munge.socket").exists, what="munged")
            self.start_controller()
            self.start_nodes()
        except TimeoutError as error:
            logs = [path.read_text()[-1000:] for path in self.slurm.glob("*.log")]
            self.skipTest(f"Slurm does not run on this machine: {error}\n" + "\n".join(logs))
        self.base |= {"run.report_every": 100, "checkpoint.every": 1}

    # ---- the machine ----

    def daemon(self, *words):
        log = open(self.slurm / "daemons.out", "a", encoding="utf-8")
        self.addCleanup(log.close)
        process = subprocess.Popen(words, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        self.daemons.append(process)
        return process

    def start_controller(self):
        self.slurmctld = self.daemon(*self.beside_controller("slurmctld", "-D"))

    def make_nodes(self, host):
        """@return their lines in the configuration"""
        return f"NodeName={host} NodeAddr=127.0.0.1 CPUs=2"

    def beside_controller(self, *words):
        return words

    def start_nodes(self):
        self.node = self.daemon("slurmd", "-D")
        self.wait_for_nodes("idle")

    def wait_for_nodes(self, state):
        """@param state  with a star: and not responding"""
        support.wait_for(lambda: time.sleep(0.1) or set(self.ask("sinfo", "-h", "-N", "-o", "%T").split()) == {state}, 60, f"nodes: {state}")

    def ours(self):
        """Every process that knows this Slurm's configuration: daemons, job steps, jobs."""
        mark = f"SLURM_CONF={self.slurm}/slurm.conf".encode()
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in path.read_bytes().split(b"\0"):
                    found.append(int(path.parent.name))
            except OSError:
                pass
        return found

    def end_all(self):
        def are_gone():
            pids = self.ours()
            for pid in pids:
                support.send(pid, signal.SIGKILL)
            return not pids
        support.wait_for(are_gone, what="death of Slurm")
        for process in self.daemons:
            process.wait()

    def fail_node(self, *not_on_it):
        """All of it at once, but for the controller and its munged. @param not_on_it  processes to spare"""
        kept = {"slurmctld", "munged"}
        for pid in self.ours():
            if support.name_of(pid) not in kept and pid not in not_on_it:
                support.send(pid, signal.SIGKILL)
        self.node.wait()
        for path in [*self.slurm.glob("pmix/*"), *self.slurm.glob("spool.*/*pmix*")]:  # sockets do not outlive a node
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def ask(self, *words, cwd=None):
        ended = subprocess.run(self.beside_controller(*words), env=self.environment, cwd=cwd or support.source, capture_output=True, text=True, check=False,
                               timeout=120)
        return ended.stdout + ended.stderr

    def submit(self, *options):
        config = self.config("endless", run__iterations=support.ENDLESS)
        said = self.ask("sbatch", f"--chdir={support.source}", f"--output={self.folder}/job.log", "--ntasks=2", *options,
                        support.source / "launch" / "slurm.sbatch", support.program, "run", config, "--out", self.out,
                        cwd=self.folder)  # not the checkout
        self.assertIn("Submitted batch job", said)
        return said.split()[-1]

    def state(self, job):
        shown = self.ask("scontrol", "show", "job", job)
        return dict(word.split("=", 1) for word in shown.split() if "=" in word)

    def log(self):
        path = self.folder / "job.log"
        return path.read_text() if path.exists() else ""

    def wait_until(self, job, condition, timeout_s, what):
        try:
            support.wait_for(lambda: time.sleep(0.1) or condition(self.state(job)), timeout_s, what)
        except TimeoutError:
            self.fail(f"{what}\n" + self.ask("scontrol", "show", "job", job) + self.ask("sinfo") + self.log()[-3000:])

    def start_now(self, job):
        """A job that was queued again; else it waits for two minutes."""
        self.wait_until(job, lambda state: state["JobState"] not in WAITING or self.ask_to_start(job, state) is None, 60, "start")

    def ask_to_start(self, job, state):
        """A node that could not launch a job yet, soon after it came back, is drained, and the job held: as an administrator would."""
        if "held" in state["Reason"]:
            for name in set(self.ask("sinfo", "-h", "-N", "-o", "%N").split()):
                self.ask("scontrol", "update", f"NodeName={name}", "State=RESUME")
            self.ask("scontrol", "release", job)
        return self.ask("scontrol", "update", f"JobId={job}", "StartTime=now", "TimeLimit=30")

    def go_on_to_the_end(self, job):
        """To an end that is near; at once, instead of two minutes after the requeue; in as much time as it needs."""
        self.wait_until(job, lambda state: state["Restarts"] == "1" and state["JobState"] == "PENDING", 90, "requeue")
        time.sleep(3)  # a node refuses, or ends, a job that is started again at once
        last = self.newest_iteration() + 100
        for path in (self.folder / "endless.toml", self.out / "config.toml"):
            path.write_text(path.read_text().replace(f"{support.ENDLESS}", f"{last}"))
        self.start_now(job)
        self.wait_until(job, lambda state: state["JobState"] not in (*WAITING, "RUNNING", "COMPLETING") or
                        "held" in state["Reason"] and self.ask_to_start(job, state) is None, 60, "end")
        self.assertEqual(self.state(job)["JobState"], "COMPLETED", self.log())
        self.assertIn("going on from iteration", self.log())
        self.assert_same_state(self.run_ok("whole", run__iterations=last, checkpoint__every=0), self.out, self.log())
        self.assert_each_iteration_once(last, every=100)
