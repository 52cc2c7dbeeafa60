"""What a suite may import. Cases get everything else from the `exam` they are called with."""

from .errors import Failure, Raised

__all__ = ["Failure", "Raised"]
