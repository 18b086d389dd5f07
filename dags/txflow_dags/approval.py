"""A human's consent before stored categories are replaced."""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator


class ApproveChanges(ApprovalOperator):
    """Asks for approval, unless a threshold has decided already: unasked is a template that renders to "True" then."""

    template_fields = (*ApprovalOperator.template_fields, "unasked")

    def __init__(self, *, unasked: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.unasked = unasked

    def execute(self, context: Any) -> Any:
        """Wait for the answer, or go on at once."""
        if str(self.unasked) == "True":
            self.log.info("the share of changes is within the threshold: no approval is needed")
            return None
        return super().execute(context)
