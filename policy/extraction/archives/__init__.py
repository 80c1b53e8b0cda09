"""Archives and compressed files: what is packed in them, in every way that a program might read them.

Takes a file and the callback that reads files. Gives each entry to it, and reports what could not be unpacked.
Start reading in `unzip.py`.

What is where:

- zip: `unzip` (its entries read), `zips` (where they stand), `zipcrypt` (with a password)
- others: `packed` (gzip, bzip2, xz, tar, ar, cpio), `appledouble`
"""
