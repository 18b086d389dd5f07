"""The manifest: what a task reports about its run, as the last line of its stdout."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

COUNTS = (
    "in",
    "accepted",
    "rejected",
    "duplicates",
    "predicted",
    "dead_lettered",
    "stored",
    "superseded",
    "other_sources",
)
STATUSES = ("done", "failed", "nothing")

# Fields of a manifest and of an artifact, with their types; the second set may be left out.
FIELDS = {
    "task": str,
    "status": str,
    "run_id": str,
    "counts": dict,
    "exit_code": int,
    "duration_ms": int,
    "trace_id": str,
}
OPTIONAL = {"source": str, "index": int, "try": int, "chunks": int, "error": str, "started_at": str}
ARTIFACT = {"name": str, "url": str}


class ManifestError(ValueError):
    """What a task printed is no manifest."""


def parse(line: str) -> dict[str, Any]:
    """Read a manifest. Unknown fields are kept; raises ManifestError that names every fault."""
    if not line.strip():
        raise ManifestError("the task printed no manifest as the last line of its stdout")
    try:
        manifest = json.loads(line)
    except json.JSONDecodeError as error:
        raise ManifestError(f"the last line of stdout is no JSON ({error}): {line[:200]!r}") from error
    if not isinstance(manifest, dict):
        raise ManifestError(f"a manifest is an object, not {line[:200]!r}")
    if faults := list(_faults(manifest)):
        raise ManifestError("the manifest is not valid: " + "; ".join(faults))
    return manifest


def _faults(manifest: dict[str, Any]) -> Iterator[str]:
    yield from _types(manifest, FIELDS, required=True)
    yield from _types(manifest, OPTIONAL, required=False)
    if manifest.get("status") not in STATUSES:
        yield f"status is {manifest.get('status')!r}, none of {', '.join(STATUSES)}"
    counts = manifest.get("counts")
    for name, count in counts.items() if isinstance(counts, dict) else ():
        if name not in COUNTS:
            yield f"counts has an unknown key {name!r}"
        elif not _is(count, int) or count < 0:
            yield f"counts.{name} is {count!r}, not a number of rows"
    for field in ("inputs", "outputs"):
        artifacts = manifest.get(field) or []
        if not isinstance(artifacts, list):
            yield f"{field} is no list"
            continue
        for i, artifact in enumerate(artifacts):
            if not isinstance(artifact, dict):
                yield f"{field}[{i}] is no object"
            else:
                yield from (f"{field}[{i}].{fault}" for fault in _types(artifact, ARTIFACT, required=True))


def _types(of: dict[str, Any], fields: dict[str, type], *, required: bool) -> Iterator[str]:
    for name, kind in fields.items():
        if name not in of:
            if required:
                yield f"{name} is missing"
        elif not _is(of[name], kind):
            yield f"{name} is {of[name]!r}, not {kind.__name__}"


def _is(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))
