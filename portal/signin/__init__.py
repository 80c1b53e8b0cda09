"""How a guest proves who they are: by a code mailed to them, or with the account they made.

Takes forms. Gives sessions: by code for one box, by account for every box of one address.
Knows nothing of what is in a box, and nothing of how pages look.
Start reading in `codes.py`.
"""
