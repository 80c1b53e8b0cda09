"""The senders' own site: `signin.py` lets them in, `entry.py` says who they are on every request, `boxes.py` lists
their SafeBoxes, `box.py` shows one, `acts.py` changes it, `writing.py` adds to it, `record.py` tells what happened.
"""
