"""What a suite may import. Cases get everything else from the `exam` they are called with."""

from .errors import Failure, Raised
from .explore import integers, one_of
from .faults import at
from .histories import BLOCKED, raised

__all__ = ["BLOCKED", "Failure", "Raised", "at", "integers", "one_of", "raised"]
