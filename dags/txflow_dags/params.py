"""Parameters that several DAGs take, each a field of the form in the UI."""

from __future__ import annotations

from airflow.sdk import Param

from txflow_dags import settings

URL_HELP = "Path or URL (`s3://`, `gs://`, `azblob://`), plain or `.gz` or `.zst`; a glob takes several files as one run."


def url() -> Param:
    """The files of a run."""
    sample = settings.text("TXFLOW_SAMPLE")
    return Param(sample or None, type="string", minLength=1, title="Source file", description_md=URL_HELP)


def source() -> Param:
    """The system that counts the ids."""
    return Param(
        settings.text("TXFLOW_SOURCE", "bank"),
        type="string",
        title="Source name",
        maxLength=200,
        description_md="The system that the file's ids are from. Always the same name for the same system.",
    )


def pipeline() -> dict[str, Param]:
    """How a file is taken through the tasks."""
    return {
        "chunks": Param(
            16,
            type="integer",
            minimum=1,
            maximum=1000,
            title="Chunks",
            description_md="At most so many `classify` tasks, over all files together.",
        ),
        "min_rows": Param(
            100_000,
            type="integer",
            minimum=1,
            title="Rows a chunk",
            description_md="A chunk has at least so many rows while there are enough.",
        ),
        "max_reject_ratio": Param(
            0.1,
            type="number",
            minimum=0,
            maximum=1,
            title="Reject gate",
            description_md="Refuse files of which a greater share of rows is rejected.",
        ),
        "delimiter": Param(
            None,
            type=["null", "string"],
            enum=[None, ",", ";", "tab", "|"],
            title="Delimiter",
            description_md="Detected when empty.",
        ),
        "expect_model": Param(
            None,
            type=["null", "string"],
            title="Expected model",
            description_md="Fail when another model version answers.",
        ),
        "traceparent": Param(
            None,
            type=["null", "string"],
            pattern="^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
            title="External trace",
            description_md="A W3C `traceparent`; the run is linked to that trace.",
        ),
    }
