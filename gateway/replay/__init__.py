"""Old mail before two policies: what would change.

Takes: a folder of messages, a maildir or a mailbox file, and two policies with the detectors of both.
Gives: for each message what each recipient would get by the one and by the other, and the sums of it.
Knows nothing of: how that is printed (`gateway/cli/replayed.py`), or of anything stored; it changes nothing.
Start reading at: `compare.py`. `sources.py` finds messages, `envelopes.py` who they were for; `pool.py` does it on all
cores, and `tally.py` sums it up.
"""
