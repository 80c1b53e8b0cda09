"""What every page of the portal shares: who asks, headers, forms, limits, rendering, downloads.

Takes requests and page objects. Gives responses that keep the promises of `docs/portal.md`: nothing cached, nothing
framed, no foreign form accepted, no detail of our inside shown.
Knows nothing of what a page is about.
Start reading in `visitor.py`, then `render.py`.
"""
