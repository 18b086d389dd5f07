"""What schemathesis can not know of the collector."""

import uuid

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives each package a key of its own: a key that comes again with another body is refused, and is to be."""
    headers = case.headers or {}
    key = headers.get("Idempotency-Key")
    if key and len(key) <= 255 and all("!" <= c <= "~" for c in key):
        own = f"-{uuid.uuid4()}"
        headers["Idempotency-Key"] = key[: 255 - len(own)] + own
