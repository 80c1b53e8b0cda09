"""What `bench/detect.py` measures by: texts with the values people write, texts that only look so, and peers.

Takes published formats of numbers. Gives labelled texts, made anew from a seed, and scores.
Knows nothing of the product's own checks and patterns: the numbers are made by code of its own.
Start reading in `kinds.py`.
"""
