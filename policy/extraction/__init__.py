"""From bytes of any type to the texts and files a person would see in them.

Takes a name, bytes, what was declared of them, and a Budget.
Gives Content: parts with a place a person can find, and a fact for every file, readable or not.
Knows nothing of child processes and clocks: whoever calls sets the time limit; counts and bytes are limited here.
Start reading in `extract.py`.
"""
