"""HTTP with the standard library, as far as the stack needs it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

TIMEOUT = 30


class HTTPError(Exception):
    """An answer that is no success: its status and text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"HTTP {status}: {text[:500]}")
        self.status, self.text = status, text


def get(url: str) -> bytes:
    """The body at an address. Raises HTTPError, or OSError when nobody answers."""
    return _send(urllib.request.Request(url))


class API:
    """Airflow's REST API, with a token of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.token = ""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call below /api/v2; returns the decoded answer."""
        self.token = self.token or json.loads(get(self.url + "/auth/token"))["access_token"]
        request = urllib.request.Request(
            self.url + "/api/v2" + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "Accept": "application/json",
            },
        )
        answer = _send(request)
        return json.loads(answer) if answer else None


def _send(request: urllib.request.Request) -> bytes:
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            return response.read()
    except urllib.error.HTTPError as error:
        raise HTTPError(error.code, error.read().decode(errors="replace")) from None
