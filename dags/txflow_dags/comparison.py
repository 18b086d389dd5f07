"""What loading a run would change, as a human who decides reads it."""

from __future__ import annotations

import re
from typing import Any

NEW = "*not stored yet*"


def markdown(manifest: dict[str, Any]) -> str:
    """The comparison in the manifest of `compare`: new rows first, then from what to what, models and examples."""
    found = manifest["comparison"]
    parts = [
        f"Of **{found['rows']:,}** rows **{found['new']:,}** are not stored yet and would be added, and "
        f"**{found['changed']:,}** of the {found['known']:,} stored ones would change category: "
        f"**{found['share']:.2%}** in all."
    ]
    if found.get("newer"):
        parts.append(f"{found['newer']:,} stored rows are newer and stay as they are.")
    parts += _table(
        ("From", "To", "Rows"), [(change["from"], change["to"], f"{change['rows']:,}") for change in found["changes"]]
    )
    parts += _table(
        ("Model now", "Model then", "Rows"), [(c["from"], c["to"], f"{c['rows']:,}") for c in found["models"]]
    )
    examples = [(row["source_id"], row["from"], row["to"]) for row in found["examples"]]
    parts += _table(("Example", "From", "To"), examples)
    return "\n\n".join(parts)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """A table of Markdown; nothing without rows."""
    if not rows:
        return []
    lines = [head, ("---",) * len(head), *((_cell(cell) or NEW for cell in row) for row in rows)]
    return ["\n".join(f"| {' | '.join(line)} |" for line in lines)]


def _cell(text: str) -> str:
    """Text from data, which is never markup."""
    return re.sub(r"([\\`*_{}\[\]<>|#!])", r"\\\1", text.replace("\n", " "))
