"""What to look for in a text.

Takes content (named texts, as a recipient's program would show them) and detector packs.
Gives findings: which detector hit, where, how often, how sure, with masked excerpts.
Knows nothing of mail, policy, files on disk (beyond reading its own packs), clocks or databases.
Start reading in `matching.py`.
"""
