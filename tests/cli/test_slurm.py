"""The job script of examples/slurm on a real one-node Slurm, started for the test if possible."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from program import ENVIRONMENT, MPIRUN, PROGRAM, RANKS_ENVIRONMENT, ROOT, ProgramTest, attributes

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
DAEMONS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue", "scancel")
PATIENCE = 200  # seconds, on a machine that is busy with other tests

SWEEP = """[model]
kind = "tgge_chain"
sites = 20000
[task]
kind = "steady_state"
[output]
fields = ["current"]
[sweep]
"bath.nonequilibrium_fraction" = { start = 0.0, stop = 1.0, count = 150 }
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


class CampaignScriptTest(ProgramTest):
    """Signals and exit codes in the shared script, without Slurm: `scontrol` is a file that notes its arguments."""

    def run_script(self, program, send=None, restarts=0):
        """Runs a campaign with a shell script instead of the program; returns the exit code and the output."""
        tools = self.folder / "tools"
        tools.mkdir(exist_ok=True)
        for name, text in {"scontrol": "echo scontrol $@", "program": program}.items():
            (tools / name).write_text("#!/bin/bash\n" + text + "\n")
            (tools / name).chmod(0o755)
        environment = dict(ENVIRONMENT, PATH=f"{tools}:{PATH}", LINDRIFT=str(tools / "program"), LINDRIFT_LAUNCH="env",
                           SLURM_JOB_ID="7", SLURM_RESTART_COUNT=str(restarts))
        process = subprocess.Popen(["bash", "-c", f"source {ROOT}/examples/slurm/campaign.sh; campaign in.toml out.h5"],
                                   cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if send is not None:
            self.assertEqual(process.stdout.readline(), "running\n")
            process.send_signal(send)
        said = process.communicate(timeout=60)[0]
        return process.returncode, said

    # Finishes a point, waits for a signal, stops in order.
    STOPS = """case $1 in
status) cat points 2>/dev/null ;;
run) trap 'echo "points 3 of 9" > points; exit 4' USR1; echo running; while true; do sleep 0.05; done ;;
esac"""

    def test_only_the_signal_that_was_asked_for_brings_the_job_back(self):
        code, said = self.run_script(self.STOPS, signal.SIGUSR1)
        self.assertEqual((code, "scontrol requeue 7" in said), (0, True), said)
        (self.folder / "points").unlink()
        code, said = self.run_script(self.STOPS, signal.SIGTERM)
        self.assertEqual((code, "scontrol" in said), (4, False), said)
        code, said = self.run_script("[ $1 = status ] || exit 4")  # stopped for another reason
        self.assertEqual((code, "scontrol" in said), (4, False), said)

    def test_requeueing_comes_to_an_end(self):
        code, said = self.run_script(self.STOPS, signal.SIGUSR1, restarts=20)
        self.assertEqual((code, "after 20 restarts; giving up" in said), (4, True), said)
        code, said = self.run_script(self.STOPS, signal.SIGUSR1)  # three points before and after
        self.assertEqual((code, "no point was finished" in said), (4, True), said)
        code, said = self.run_script("[ $1 = status ] || kill -9 $$")
        self.assertEqual((code, "no point was finished" in said), (137, True), said)
        (self.folder / "points").unlink()
        code, said = self.run_script("case $1 in status) cat points 2>/dev/null ;; run) echo points 1 > points; kill -9 $$ ;; esac")
        self.assertEqual((code, "scontrol requeue 7" in said), (0, True), said)


class SlurmTest(ProgramTest):
    def setUp(self):
        super().setUp()
        missing = [name for name in DAEMONS if shutil.which(name, path=PATH) is None]
        if missing:
            self.skipTest(f"{missing[0]} was not found (Debian: slurmctld slurmd slurm-client munge): Slurm is not tested")
        if os.geteuid() != 0:
            self.skipTest("only root can start a Slurm: it is not tested")
        if MPIRUN is None:
            self.skipTest("mpirun was not found: Slurm is not tested")
        # Slurm and munge require a folder that only its owner can write to.
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="lindrift-slurm-", dir="/var/tmp"))
        self.place.chmod(0o755)
        self.daemons = []
        self.addCleanup(shutil.rmtree, self.place, ignore_errors=True)
        self.addCleanup(self.end_daemons)
        self.environment = dict(RANKS_ENVIRONMENT, PATH=PATH, SLURM_CONF=str(self.place / "slurm.conf"), LINDRIFT=PROGRAM,
                                LINDRIFT_SLURM=str(ROOT / "examples/slurm"), LINDRIFT_LAUNCH=f"{MPIRUN} -n 2")
        try:
            self.start_slurm()
        except (RuntimeError, OSError) as reason:
            self.skipTest(f"a Slurm could not be started here: {reason}")

    def end_daemons(self):
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def start_daemon(self, *command):
        with open(self.place / f"{command[0]}.out", "wb") as log:
            self.daemons.append(subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                                                 stderr=subprocess.STDOUT))

    def start_slurm(self):
        host = socket.gethostname().split(".")[0]
        munge = self.place / "munge.socket"
        (self.place / "munge.key").write_bytes(os.urandom(128))
        (self.place / "munge.key").chmod(0o400)
        for name in ("state", "spool"):
            (self.place / name).mkdir()
        (self.place / "slurm.conf").write_text(f"""ClusterName=lindrift
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={free_port()}
SlurmdPort={free_port()}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={munge},cred_expire=5
StateSaveLocation={self.place}/state
SlurmdSpoolDir={self.place}/spool
SlurmctldPidFile={self.place}/slurmctld.pid
SlurmdPidFile={self.place}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
KillWait=5
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
""")
        self.start_daemon("munged", "--foreground", "--force", f"--socket={munge}", f"--key-file={self.place}/munge.key",
                          f"--pid-file={self.place}/munge.pid", f"--log-file={self.place}/munge.log",
                          f"--seed-file={self.place}/munge.seed")
        self.wait_until(munge.exists, "munged does not start")
        self.start_daemon("slurmctld", "-D")
        self.start_daemon("slurmd", "-D", "-N", host)
        self.wait_until(lambda: "idle" in self.slurm("sinfo", "-h", "-o", "%T"), "the node does not come up")

    def wait_until(self, condition, problem, patience=60):
        end = time.monotonic() + patience
        while not condition():
            for daemon in self.daemons:
                if daemon.poll() is not None:
                    log = self.place / f"{daemon.args[0]}.out"
                    raise RuntimeError(f"{daemon.args[0]} ended: {log.read_text().strip().splitlines()[-1:]}")
            if time.monotonic() > end:
                raise RuntimeError(problem)
            time.sleep(0.1)

    def slurm(self, *command):
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, cwd=self.folder, timeout=120)
        return done.stdout + done.stderr

    def test_a_job_that_is_signalled_is_requeued_and_completes(self):
        self.write("sweep.toml", SWEEP)
        self.expect(0, "run", "sweep.toml", "-o", "undisturbed.h5", env=ENVIRONMENT)
        # As in the script, but with the resources of this small node.
        said = self.slurm("sbatch", "--parsable", "--nodes=1", "--ntasks-per-node=2", "--cpus-per-task=1", "--time=10",
                          f"--output={self.folder}/job.log", str(ROOT / "examples/slurm/cpu.sbatch"), "sweep.toml", "out.h5")
        self.assertRegex(said.strip(), r"^\d+$", said)
        job = said.strip()
        log = lambda: (self.folder / "job.log").read_text() if (self.folder / "job.log").exists() else ""
        journal = self.folder / "out.h5.journal"
        self.wait_until(lambda: sum(path.stat().st_size for path in journal.glob("*.records")) > 3000, "no points", PATIENCE)
        self.slurm("scancel", "--batch", "--signal=USR1", job)
        self.wait_until(lambda: "goes back into the queue" in log(), "the job does not stop: " + log(), PATIENCE)
        self.assertEqual(attributes(self.folder / "out.h5")["complete"], 0)
        self.assertIn("stopped by", log())
        self.wait_until(lambda: "is complete" in log(), "the job does not go on: " + log(), PATIENCE)
        self.assertIn("points are there already", log())
        self.assert_same_numbers("undisturbed.h5", "out.h5")
        self.assertFalse(journal.exists())


if __name__ == "__main__":
    unittest.main()
