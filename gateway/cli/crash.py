"""What a crash leaves behind: nothing. A core dump would hold keys, and mail as it was written."""

import resource
import sys
from typing import Final

# Bytes. No file is so small; and where the kernel hands dumps to a program, which none takes for a limit, this very
# number keeps it from doing so (Linux, fs/coredump.c).
_MOST: Final = 1 if sys.platform == "linux" else 0


def leave_nothing() -> None:
    """No core dumps of this process and those that it starts, however it was started itself."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (_MOST if hard == resource.RLIM_INFINITY else min(_MOST, hard), hard))
