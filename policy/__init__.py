"""From a message to a decision for each of its recipients.

Takes an envelope, the raw message, the policy an admin wrote, and a Directory of what is ours and whom we know.
Gives content, findings, and for each recipient a Decision: action, route, rule, reasons, policy digest.
Knows nothing of sockets, files, clocks or databases: what needs those is handed in as a value or behind a Protocol.
Start reading in `engine.py`.
"""
