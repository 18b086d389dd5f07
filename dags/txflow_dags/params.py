"""Parameters that several DAGs take, each a field of the form in the UI.

Bounds are in `allOf`: with a bound of the field itself, the form silently replaces a number outside of it; one in
`allOf` makes Airflow refuse the number.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param

from txflow_dags import connections, settings

URL_HELP = "Path or URL (s3://, gs://, azblob://), plain, .gz or .zst; a glob takes several files as one run."
ADVANCED = "Advanced"
END = r"(?![\s\S])"  # of the text; $ would let a newline pass
PRINTABLE = rf"^[^\x00-\x1f\x7f]+{END}"
NAME = rf"^\w[\w .@:+-]*{END}"
CONNECTION = rf"^[\w.-]+{END}"
DETECT, NONE = "detect", "none"


def url() -> Param:
    """The files of a run."""
    sample = settings.text("TXFLOW_SAMPLE")
    return Param(
        sample or None,
        type="string",
        minLength=1,
        maxLength=2000,
        pattern=PRINTABLE,
        title="Source file",
        description_md=URL_HELP,
    )


def source() -> Param:
    """The system that counts the ids."""
    return Param(
        settings.text("TXFLOW_SOURCE", "bank"),
        type="string",
        title="Source name",
        minLength=1,
        maxLength=200,
        pattern=NAME,
        description_md="The system that the file's ids are from: letters, digits, space and . @ : + - . Always the "
        "same name for the same system.",
    )


def number(default: float, title: str, help_text: str, least: float, most: float, **more: Any) -> Param:
    """A number within bounds; a whole one when the default is."""
    kind = "integer" if isinstance(default, int) else "number"
    bounds = [{"minimum": least, "maximum": most}]
    return Param(
        default, type=kind, allOf=bounds, title=title, description_md=f"{help_text} {least:,} to {most:,}.", **more
    )


def clickhouse() -> Param:
    """Where transactions are stored."""
    return _connection(connections.CLICKHOUSE, "ClickHouse connection", ADVANCED)


def ml_api(default: str = connections.ML_API, section: str | None = ADVANCED) -> Param:
    """Who is asked for categories."""
    return _connection(default, "ML API connection", section)


def _connection(default: str, title: str, section: str | None) -> Param:
    more = {"section": section} if section else {}
    return Param(
        default,
        type="string",
        minLength=1,
        maxLength=200,
        pattern=CONNECTION,
        title=title,
        description_md="The id of a connection, from *Admin → Connections*.",
        **more,
    )


def pipeline(ml_api_connection: Param | None = None) -> dict[str, Param]:
    """How a file is taken through the tasks."""
    own = {"ml_api_conn_id": ml_api_connection} if ml_api_connection else {}
    advanced = {"ml_api_conn_id": ml_api()} if not ml_api_connection else {}
    return own | {
        "max_reject_ratio": number(
            0.1, "Reject gate", "Refuse a file when a greater share of its rows is rejected; 1 for no gate.", 0, 1
        ),
        "chunks": number(
            16, "Chunks", "At most so many classify tasks, over all files together.", 1, 1000, section=ADVANCED
        ),
        "min_rows": number(
            100_000,
            "Rows a chunk",
            "A chunk has at least so many rows while there are enough.",
            1,
            100_000_000,
            section=ADVANCED,
        ),
        "delimiter": Param(
            DETECT,
            type=["null", "string"],
            enum=[DETECT, ",", ";", "tab", "|", None],
            title="Delimiter",
            description_md="Between the columns of the file.",
            section=ADVANCED,
        ),
        "decimal": Param(
            DETECT,
            type="string",
            enum=[DETECT, ".", ","],
            title="Decimal mark",
            description_md="Of the amounts. A file whose mark cannot be detected is refused.",
            section=ADVANCED,
        ),
        "thousands": Param(
            NONE,
            type="string",
            enum=[NONE, ".", ",", "'", "space"],
            title="Thousands mark",
            description_md="Between groups of three digits of the amounts.",
            section=ADVANCED,
        ),
        "expect_model": Param(
            None,
            type=["null", "string"],
            maxLength=200,
            pattern=PRINTABLE,
            title="Expected model",
            description_md="Fail when another model version answers.",
            section=ADVANCED,
        ),
        "traceparent": Param(
            None,
            type=["null", "string"],
            pattern=rf"^[0-9a-f]{{2}}-[0-9a-f]{{32}}-[0-9a-f]{{16}}-[0-9a-f]{{2}}{END}",
            title="External trace",
            description_md="A W3C `traceparent`; the run is linked to that trace.",
            section=ADVANCED,
        ),
        "clickhouse_conn_id": clickhouse(),
        **advanced,
    }
