"""The error of the approval package. Its message is for people and gives the action to take."""

from __future__ import annotations


class ApprovalError(Exception):
    """An approval, list of approvers or canonical text is invalid, or not the required one."""
