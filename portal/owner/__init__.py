"""The senders' own site: their SafeBoxes, who opened what, and everything an owner may do.

Takes requests of people who proved an address of the organisation's own. Gives pages, documents, and acts that the
life cycle allows. Knows nothing of guests' pages, nor of how boxes are kept.
Start reading in `boxes.py` (the list), then `box.py`. `signin.py` lets senders in, `entry.py` says who they are on
every request, `acts.py` changes a box, `settings.py` says what of its settings can be, `writing.py` adds to it, and
`record.py` tells what happened.
"""
