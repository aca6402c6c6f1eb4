"""Jobs of a real SLURM: a Ray cluster for each, over all nodes of its allocation, and the digest of a local run."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ceas_ray.cli.run import main
from tests.runtime.test_faults import rounds_in, wait_until
from tests.scripts.slurm import Slurm, missing, slurm
from tests.small_worlds import SMALL

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "deploy" / "slurm.sh"
SMALL_RUN = [word for word in SMALL if not word.startswith(("runtime", "quiet"))]
LONG = "training.rounds=100"
"""Long enough that it is not over before a signal reaches it."""
WHY_NOT = missing()
needs_slurm = pytest.mark.skipif(WHY_NOT is not None, reason=WHY_NOT or "")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Slurm]:
    with slurm() as started:
        yield started


def submitted(cluster: Slurm, folder: Path, *words: str, options: tuple[str, ...] = ()) -> str:
    """Return the number of a job that runs the script in a folder."""
    about = [f"--chdir={folder}", f"--output={folder}/%j.out", f"--export=ALL,CEAS_RAY_ROOT={ROOT}", *options]
    return cluster.run("sbatch", "--parsable", *about, str(SCRIPT), *words)


def ended(cluster: Slurm, folder: Path) -> str:
    """Wait until no job is left; return what they printed."""
    wait_until(lambda: not cluster.run("squeue", "--noheader"))
    return "\n".join(path.read_text() for path in sorted(folder.glob("*.out")))


def jobs_over_in(sweep: Path) -> int:
    journal = sweep / "sweep.jsonl"
    return journal.read_text().count('"event": "job"') if journal.exists() else 0


def digest_of(folder: Path, printed: str = "") -> str:
    assert (folder / "summary.json").exists(), printed
    return str(json.loads((folder / "summary.json").read_text())["trace_digest"])


def local_digest(folder: Path, *words: str) -> str:
    assert main([*SMALL, *words, f"output={folder}"]) == 0
    return digest_of(folder)


@needs_slurm
@pytest.mark.ray
@pytest.mark.slow
def test_a_job_of_two_nodes_uses_both_and_gives_the_digest_of_a_local_run(cluster: Slurm, tmp_path: Path) -> None:
    job = submitted(cluster, tmp_path, *SMALL_RUN, options=("--nodes=2",))
    printed = ended(cluster, tmp_path)
    run = tmp_path / "outputs" / f"slurm-{job}"
    assert digest_of(run, printed) == local_digest(tmp_path / "local")
    assert "processors/3" in printed, "there is a host for each of the four CPUs of both nodes"
    assert not Path(f"/tmp/ceas-ray-{job}").exists(), "a job leaves nothing on its nodes"


@needs_slurm
@pytest.mark.ray
@pytest.mark.slow
def test_the_tasks_of_an_array_have_folders_of_their_own(cluster: Slurm, tmp_path: Path) -> None:
    job = submitted(cluster, tmp_path, *SMALL_RUN, "seed=%a", options=("--nodes=1", "--array=3-4"))
    printed = ended(cluster, tmp_path)
    for seed in (3, 4):
        run = tmp_path / "outputs" / f"slurm-{job}_{seed}"
        assert digest_of(run, printed) == local_digest(tmp_path / f"local_{seed}", f"seed={seed}")


@needs_slurm
@pytest.mark.ray
@pytest.mark.slow
def test_a_job_whose_time_is_over_saves_its_run_and_another_job_goes_on(cluster: Slurm, tmp_path: Path) -> None:
    words = [*SMALL_RUN, LONG, "output=long"]
    job = submitted(cluster, tmp_path, *words, options=("--nodes=1",))
    wait_until(lambda: rounds_in(tmp_path / "long") >= 2)
    cluster.run("scancel", "--signal=TERM", "--batch", job)  # what SLURM sends before the time is over
    ended(cluster, tmp_path)
    assert json.loads((tmp_path / "long" / "summary.json").read_text())["status"] == "interrupted"
    submitted(cluster, tmp_path, "resume=long", options=("--nodes=1",))
    printed = ended(cluster, tmp_path)
    assert digest_of(tmp_path / "long", printed) == local_digest(tmp_path / "local", LONG)


@needs_slurm
@pytest.mark.ray
@pytest.mark.slow
def test_a_run_goes_on_when_its_job_is_put_back_in_the_queue(cluster: Slurm, tmp_path: Path) -> None:
    job = submitted(cluster, tmp_path, *SMALL_RUN, LONG, "output=long", options=("--nodes=1",))
    wait_until(lambda: rounds_in(tmp_path / "long") >= 2)
    cluster.run("scontrol", "requeue", job)
    cluster.begin_now(job)
    printed = ended(cluster, tmp_path)
    assert digest_of(tmp_path / "long", printed) == local_digest(tmp_path / "local", LONG)


@needs_slurm
@pytest.mark.ray
@pytest.mark.slow
def test_a_sweep_uses_its_job_and_goes_on_when_the_job_has_put_itself_back(cluster: Slurm, tmp_path: Path) -> None:
    rounds = (12, 13, 600)  # the signal comes before the last job is over, which is all that it needs its length for
    words = ["-m", *SMALL_RUN, f"training.rounds={','.join(map(str, rounds))}"]
    options = ("--nodes=2", f"--export=ALL,CEAS_RAY_ROOT={ROOT},CEAS_RAY_REQUEUE=1")
    job = submitted(cluster, tmp_path, *words, options=options)
    folder = tmp_path / "outputs" / f"slurm-{job}"
    wait_until(lambda: jobs_over_in(folder) == 2)  # where the last one runs, its journal may not be in sight
    cluster.run("scancel", "--signal=TERM", "--batch", job)
    cluster.begin_now(job)
    printed = ended(cluster, tmp_path)
    assert "going on with" in printed, f"{printed}\n{cluster.logs()}"
    for number, count in enumerate(rounds):
        alone = local_digest(tmp_path / f"local_{number}", f"training.rounds={count}")
        assert digest_of(folder / str(number), printed) == alone
        assert rounds_in(folder / str(number)) == count, "each round is done once"
    assert len((folder / "results.csv").read_text().splitlines()) == 4


def refused(folder: Path, *words: str, **environment: str) -> str:
    """What the script says, outside of SLURM, about words or surroundings that it refuses."""
    done = subprocess.run([SCRIPT, *words], cwd=folder, env=os.environ | environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


def test_without_slurm_the_script_says_how_it_is_submitted(tmp_path: Path) -> None:
    assert refused(tmp_path, SLURM_JOB_ID="") == (
        "this script is for sbatch: sbatch scripts/deploy/slurm.sh [key=value ...]\n"
    )


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    line = refused(tmp_path, SLURM_JOB_ID="1", SLURM_SUBMIT_DIR=str(tmp_path))
    assert line == f"CEAS_RAY_ROOT must be a checkout with its .venv (scripts/run makes it), got {tmp_path}\n"


def test_a_folder_that_all_tasks_of_an_array_would_share_is_refused(tmp_path: Path) -> None:
    environment = {"SLURM_JOB_ID": "1", "SLURM_SUBMIT_DIR": str(ROOT), "SLURM_ARRAY_TASK_ID": "2"}
    line = refused(tmp_path, "seed=%a", "output=runs", **environment)
    assert line == "output must hold %a, which is the task's index, in an array of jobs, got runs\n"


@pytest.mark.parametrize(
    ("journal", "last"),
    [("sweep", {"event": "ended", "jobs": 2}), ("journal", {"event": "ended", "status": "completed"})],
)
def test_a_job_back_in_the_queue_with_nothing_left_to_do_ends(tmp_path: Path, journal: str, last: object) -> None:
    folder = tmp_path / "outputs" / "slurm-1"
    folder.mkdir(parents=True)
    (folder / f"{journal}.jsonl").write_text(f"{json.dumps({'event': 'started'})}\n{json.dumps(last)}\n")
    environment = {"SLURM_JOB_ID": "1", "SLURM_SUBMIT_DIR": str(ROOT), "SLURM_RESTART_COUNT": "1"}
    done = subprocess.run([SCRIPT], cwd=tmp_path, env=os.environ | environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "nothing is left to do in outputs/slurm-1\n")
