"""Everything on one machine's loopback, to try Sealgate without root, DNS or real mail.

Takes a folder and free ports. Gives a running gateway, its portal, a partner, and a page with everyone's mailboxes.
Knows nothing that `serve` does not: it writes ordinary configurations and starts the ordinary gateway.
Start reading in `run.py`.
"""
