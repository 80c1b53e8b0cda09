"""Notices: the mails that Sealgate itself writes.

Takes facts about a SafeBox and the people in it. Gives whole mails (RFC 5322), ready for the queue.
Knows nothing of the queue, the database or the portal's pages.
Start reading in `compose.py`; each notice is a folder below `templates/`: subject.txt, body.txt, body.html.
"""
