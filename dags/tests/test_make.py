"""The Makefile and the scripts in a folder whose path has spaces and quotes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

PYTHON = """#!/bin/sh
# A Python that writes down how it was called; `-m venv DIR` puts itself into DIR.
printf '%s\\n' "$#" "$@" >> "$CALLS"
if [ "$1" = -m ] && [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; fi
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A copy of the repository beside folders that an unquoted path would mean instead."""
    around = tmp_path_factory.mktemp("around")
    clone = around / """tx flow's "own" copy"""
    clone.mkdir()
    for name in ("tx", "flow's", "own"):
        (around / name).mkdir()
        (around / name / "kept").write_text("kept")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    yield clone
    assert sorted(path.name for path in around.iterdir()) == sorted(["tx", "flow's", "own", clone.name])
    assert all((around / name / "kept").read_text() == "kept" for name in ("tx", "flow's", "own"))


def make(clone, *argv, **variables):
    clean = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(
        ["make", *argv], cwd=clone, env=clean | variables, capture_output=True, text=True, check=False
    )


@pytest.fixture
def python(tmp_path):
    """The path of a Python that only takes notes, and the file with the notes."""
    fake = tmp_path / "a python's folder" / "python"
    fake.parent.mkdir()
    fake.write_text(PYTHON)
    fake.chmod(0o755)
    return str(fake), tmp_path / "calls"


def test_no_folder_but_its_own_is_removed(clone, python):
    """The environment of the DAGs is made in the clone, and a sibling whose name begins the clone's stays."""
    fake, calls = python
    done = make(clone, "dags-env", f"PYTHON={fake}", CALLS=str(calls))
    assert done.returncode == 0, done.stderr
    made = [path.name for path in (clone / ".cache").iterdir()]
    assert len(made) == 1
    assert (clone / ".cache" / made[0] / ".done").exists()
    assert (clone.parent / "tx" / "kept").exists()
    shutil.rmtree(clone / ".cache")


@pytest.mark.parametrize("source", ["a file's name.csv", 'months/"01" *.csv', "-x.csv", "s3://b/k;touch here"])
def test_trigger_passes_its_source_on_as_it_is(clone, python, source):
    fake, calls = python
    done = make(clone, "trigger", f"PYTHON={fake}", f"SOURCE={source}", CALLS=str(calls))
    assert done.returncode == 0, done.stderr
    assert calls.read_text().splitlines() == ["4", "dags/dev", "trigger", "--", source]


def test_every_target_can_be_planned(clone, python):
    """make knows what it would do, whatever the folder is called; shellcheck looks at how it is quoted. Lines that call
    make again are run in spite of -n, with a Python that does nothing."""
    fake, calls = python
    make(clone, "dags-env", f"PYTHON={fake}", CALLS=str(calls))
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.M)
    assert {"build", "demo", "dev", "test-dags", "clean"} <= set(targets)
    for target in targets:
        done = make(clone, "-n", target, f"PYTHON={fake}", CALLS=str(calls))
        assert done.returncode == 0, (target, done.stderr)
        assert str(clone) not in done.stdout, f"{target} writes the folder's own path into a command"


def test_build_and_clean(clone):
    done = make(clone, "build")
    assert done.returncode == 0, done.stderr
    said = subprocess.run([clone / "bin" / "txflow-task", "--help"], capture_output=True, text=True, check=True)
    assert "validate" in said.stdout + said.stderr
    done = make(clone, "clean")
    assert done.returncode == 0, done.stderr
    assert not (clone / "bin").exists()


def test_shellcheck_finds_a_path_without_quotes(tmp_path):
    (tmp_path / "Makefile").write_text("all:\n\t@test -d $(DIR) || { \\\n\t  rm -rf $(DIR); }\n")
    check = [sys.executable, str(ROOT / ".ci" / "shellcheck.py"), "Makefile"]
    bad = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (bad.returncode, "SC2086" in bad.stderr) == (1, True)
    (tmp_path / "Makefile").write_text('all:\n\t@test -d "$(DIR)" || { \\\n\t  rm -rf "$(DIR)"; }\n')
    good = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert good.returncode == 0, good.stderr


def test_shellcheck_that_is_missing_is_loud(tmp_path):
    (tmp_path / "python").symlink_to(os.path.realpath(sys.executable))
    check = [str(tmp_path / "python"), "-IS", str(ROOT / ".ci" / "shellcheck.py")]
    done = subprocess.run(check, cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "NOT RUN" in done.stderr
