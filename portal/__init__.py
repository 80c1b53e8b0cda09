"""Two small sites over what is stored, for guests and for owners; a third, for admins, has its place.

Takes requests from browsers. Gives pages, documents in pieces, and answers handed to delivery.
Knows nothing of SMTP, of policy, or of how things are stored.
Start reading in `site.py`.
"""
