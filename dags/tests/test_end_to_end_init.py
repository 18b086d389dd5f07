"""What the Docker stack's airflow-init finds missing of Airflow's database, asked of a real PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import airflow
import database
import psycopg2
import pytest
from airflow.utils import db
from conftest import DAGS
from packaging.version import Version

INIT = str(DAGS / "image" / "init")
VARIABLE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


@pytest.fixture(scope="module")
def init():
    loader = SourceFileLoader("airflow_init", INIT)
    module = module_from_spec(spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


@pytest.fixture
def execute(stack, monkeypatch):
    """A database of its own, without tables, that init looks at; runs statements in it."""
    address = database.address(stack.layout, "psycopg2")
    server = address.replace("+psycopg2", "")
    with closing(psycopg2.connect(server)) as whole:
        whole.autocommit = True
        whole.cursor().execute("CREATE DATABASE looked_at")
        try:
            monkeypatch.setenv(VARIABLE, address.rpartition("/")[0] + "/looked_at")
            with closing(psycopg2.connect(server.rpartition("/")[0] + "/looked_at")) as own:
                own.autocommit = True
                yield own.cursor().execute
        finally:
            whole.cursor().execute("DROP DATABASE looked_at WITH (FORCE)")


def test_a_database_that_is_whole_is_left_as_it_is(stack):
    """In a process that does not import Airflow, which takes seconds."""
    env = os.environ | {VARIABLE: database.address(stack.layout, "psycopg2"), "PYTHONPROFILEIMPORTTIME": "1"}
    ran = subprocess.run([sys.executable, INIT], env=env, capture_output=True, text=True, check=True)
    assert ran.stdout == "the database is as this Airflow needs it\n"
    assert "psycopg2" in ran.stderr
    assert "airflow." not in ran.stderr


def test_what_is_missing_is_made(init, execute):
    migrate = ["db", "migrate"]
    pools = [["pools", "set", name, "4", text] for name, text in init.POOLS.items()]
    assert init.missing() == [migrate, *pools], "a new database"

    execute("CREATE TABLE alembic_version (version_num text)")
    execute("INSERT INTO alembic_version VALUES ('509b94a1042d')")
    execute("CREATE TABLE slot_pool (pool text)")
    execute("INSERT INTO slot_pool VALUES ('default_pool'), ('ml_api')")
    assert init.missing() == [migrate, pools[1]], "an older Airflow's, with one of the pools"

    (head,) = init.heads(Path(airflow.__file__).parent / "migrations" / "versions")
    assert head == db._REVISION_HEADS_MAP[max(db._REVISION_HEADS_MAP, key=Version)], "as Airflow itself knows it"
    execute(f"UPDATE alembic_version SET version_num = '{head}'")
    assert init.missing() == [pools[1]]

    execute("INSERT INTO slot_pool VALUES ('ml_api_other')")
    assert init.missing() == []

    execute("DELETE FROM slot_pool WHERE pool = 'default_pool'")
    assert init.missing() == [migrate], "one whose first migration ended before its end"
