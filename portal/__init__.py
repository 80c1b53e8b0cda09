"""Two small web sites over what delivery has stored: one for guests, one for owners.

Takes requests from browsers. Gives pages, documents in pieces, and answers handed to delivery.
Knows nothing of SMTP, of policy, or of how things are stored.
Start reading in `site.py`.
"""
