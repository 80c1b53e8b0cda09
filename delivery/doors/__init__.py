"""What every door that listens needs, that of SMTP and that of the portal: taking connections, renewing certificates.

Takes listening sockets, and the files of a certificate. Gives each connection to whoever opened the door, and a TLS
context, anew when the files change.
Knows nothing of SMTP, of HTTP, or of the queue; it lies here because the portal and the gateway may both use it here.
Start reading in `accepting.py`; `contexts.py` and `renewal.py` are about certificates, `inforce.py` about what a worker
reads that is started beside others.
"""
