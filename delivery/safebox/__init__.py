"""SafeBoxes: what is kept sealed for guests, who may see it, and for how long.

Takes a mail that goes by SafeBox, and later the acts of guests, owners and admins. Gives invitations, contents in
pieces, and answers that travel on as mail; every act leaves an audit event in its own transaction.
Knows nothing of SMTP, of pages, or of how a guest proves who they are.
Start reading in `lifecycle.py` (the states), then `box.py` (the service), then `making.py` (how a mail becomes a box).
"""
