"""`make dev` and its siblings: python dags/dev COMMAND. Standard library only; Python 3.11 or newer."""

import sys

if sys.version_info < (3, 11):
    sys.exit(
        "txflow: Python 3.11 or newer is needed for Airflow, this is %d.%d; name another: make dev PYTHON=python3.12"
        % sys.version_info[:2]
    )

import cli

sys.exit(cli.main())
