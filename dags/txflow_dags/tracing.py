"""W3C trace context: from Airflow's span into the task, and from an external trace to Airflow's span."""

from __future__ import annotations

from airflow.sdk import conf
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_W3C = TraceContextTextMapPropagator()


def environment() -> dict[str, str]:
    """TRACEPARENT and TRACESTATE of the current span; empty while Airflow traces nothing.

    Without tracing Airflow still has a context, which says "not sampled" and would silence the task's own spans.
    """
    if not conf.getboolean("traces", "otel_on", fallback=False):
        return {}
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return {name.upper(): value for name, value in carrier.items()}


def trace_id() -> str:
    """The current trace in hex; empty while Airflow traces nothing."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid and environment() else ""


def link(traceparent: str) -> bool:
    """Link the current span to an external one. False when traceparent is none."""
    context = trace.get_current_span(_W3C.extract({"traceparent": traceparent})).get_span_context()
    if not context.is_valid:
        return False
    trace.get_current_span().add_link(context)
    return True
