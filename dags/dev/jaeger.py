"""Jaeger for the stack: a binary on the PATH, the one that `make jaeger` built, or Docker's image."""

from __future__ import annotations

import shutil
import subprocess

from layout import ROOT, Layout

IMAGE = "jaegertracing/jaeger:2.13.0"
CONFIG = ROOT / "otel" / "jaeger" / "config.yaml"


def found() -> str:
    """How Jaeger can be had: the path of a binary, "docker", or "" for not at all."""
    if binary := shutil.which("jaeger"):
        return binary
    if built := sorted((ROOT / ".cache" / "tools").glob("jaeger-v*")):
        return str(built[-1])
    has_image = ["docker", "image", "inspect", IMAGE]
    if shutil.which("docker") and subprocess.run(has_image, capture_output=True, check=False).returncode == 0:
        return "docker"
    return ""


def command(layout: Layout) -> list[str]:
    """The command that runs it in the foreground."""
    how, env = found(), environment(layout)
    if how != "docker":
        return [how, "--config", f"file:{CONFIG}"]
    variables = [arg for name, value in env.items() for arg in ("-e", f"{name}={value}")]
    return ["docker", "run", "--rm", "--network", "host", *variables, "-v", f"{CONFIG}:/config.yaml:ro", IMAGE,
            "--config", "file:/config.yaml"]  # fmt: skip


def environment(layout: Layout) -> dict[str, str]:
    """The addresses that it listens at."""
    ports = {"JAEGER_QUERY_ADDR": "jaeger", "JAEGER_QUERY_GRPC_ADDR": "jaeger-grpc",
             "JAEGER_OTLP_HTTP_ADDR": "otlp", "JAEGER_OTLP_GRPC_ADDR": "otlp-grpc"}  # fmt: skip
    return {variable: f"127.0.0.1:{layout.ports[part]}" for variable, part in ports.items()}
