"""What a crash leaves behind: nothing. A core dump would hold keys, and mail as it was written."""

import resource
import sys
from typing import Final

# Bytes: too few for a core file. Where the kernel pipes core dumps to a program, it ignores the limit, except for the
# value 1, which turns that off as well (Linux, fs/coredump.c).
_MOST: Final = 1 if sys.platform == "linux" else 0


def leave_nothing() -> None:
    """Forbid core dumps of this process and of those that it starts, whatever limit it was started with."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (_MOST if hard == resource.RLIM_INFINITY else min(_MOST, hard), hard))
