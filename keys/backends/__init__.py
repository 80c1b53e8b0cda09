"""Backends: what keeps the root keys.

Takes a URL of the configuration's `keys`. Gives keys wrapped and unwrapped by a root that it alone holds.
Knows nothing of what the wrapped keys are for.
Start reading in `backend.py` (the seam), then `file.py`.
"""
