"""What the door says: every reply in one place, each with its enhanced code (RFC 3463, RFC 5248)."""

from typing import Final

from delivery.items import Reply

OK: Final = Reply(250, "2.0.0", "OK")
BYE: Final = Reply(221, "2.0.0", "Bye")
SENDER_OK: Final = Reply(250, "2.1.0", "Sender OK")
RECIPIENT_OK: Final = Reply(250, "2.1.5", "Recipient OK")
START_DATA: Final = Reply(354, "", "End data with <CR><LF>.<CR><LF>")
START_TLS: Final = Reply(220, "2.0.0", "Ready to start TLS")
SIGNED_IN: Final = Reply(235, "2.7.0", "Authentication successful")
CANNOT_VERIFY: Final = Reply(252, "2.5.0", "Cannot verify; send a message and see")
HELP: Final = Reply(214, "2.0.0", "RFC 5321 tells how to speak with me")

# --- ours to mend: the client keeps the message and tries again ---------------------------------------------------
FAILED: Final = Reply(451, "4.3.0", "Not possible just now; try again later")
NO_ROOM: Final = Reply(452, "4.3.1", "No room just now; try again later")
CLOSING: Final = Reply(421, "4.3.2", "Closing down; try again later")
TOO_MANY_SESSIONS: Final = Reply(421, "4.3.2", "Too many sessions; try again later")
TOO_MANY_FROM_YOU: Final = Reply(421, "4.7.0", "Too many sessions from your address; try again later")
NO_SPACE: Final = Reply(452, "4.3.1", "Not enough disk space just now; try again later")
QUEUE_FULL: Final = Reply(452, "4.3.1", "Too much mail waits here just now; try again later")
TOO_MUCH_FROM_CLIENT: Final = Reply(450, "4.7.1", "Your address has sent as much as it may for now; try again later")
TOO_MUCH_FROM_LOGIN: Final = Reply(450, "4.7.1", "This login has sent as much as it may for now; try again later")
TOO_MUCH_FROM_SENDER: Final = Reply(450, "4.7.1", "This sender has sent as much as it may for now; try again later")
TOO_SLOW: Final = Reply(421, "4.4.2", "Timed out waiting for you")

# --- the client's to mend: how it speaks --------------------------------------------------------------------------
TALKED_EARLY: Final = Reply(554, "5.5.1", "You spoke before the greeting")
NOT_SMTP: Final = Reply(554, "5.5.1", "This is SMTP, not what you speak")
TOO_MANY_ERRORS: Final = Reply(421, "4.7.0", "Too many errors")
TOO_MUCH_IDLE_TALK: Final = Reply(421, "4.7.0", "Too many commands without mail")
UNKNOWN_COMMAND: Final = Reply(500, "5.5.1", "Command not recognised")
NOT_OFFERED: Final = Reply(502, "5.5.1", "Command not offered")
BAD_SYNTAX: Final = Reply(500, "5.5.2", "Syntax error")
BARE_LINE: Final = Reply(500, "5.5.2", "A command ends with CR LF, and has no CR, LF or NUL inside")
LINE_TOO_LONG: Final = Reply(500, "5.5.2", "Command line too long")
AUTH_TOO_LONG: Final = Reply(500, "5.5.6", "Authentication line too long")
NO_ARGUMENT: Final = Reply(501, "5.5.4", "This command takes no argument")
NEED_ARGUMENT: Final = Reply(501, "5.5.4", "Say whom")
NEED_NAME: Final = Reply(501, "5.5.4", "Say your host name or address literal")
HELLO_FIRST: Final = Reply(503, "5.5.1", "Say EHLO first")
MAIL_FIRST: Final = Reply(503, "5.5.1", "Say MAIL first")
RECIPIENT_FIRST: Final = Reply(503, "5.5.1", "Say RCPT first")
NO_RECIPIENT: Final = Reply(554, "5.5.1", "No valid recipients")
NESTED_MAIL: Final = Reply(503, "5.5.1", "One MAIL at a time; RSET starts afresh")
TLS_ALREADY: Final = Reply(503, "5.5.1", "TLS is active already")
TLS_NOT_OFFERED: Final = Reply(502, "5.5.1", "STARTTLS is not offered here")
TLS_FIRST: Final = Reply(530, "5.7.0", "Say STARTTLS first")

# --- who may do what ----------------------------------------------------------------------------------------------
CLIENT_UNKNOWN: Final = Reply(554, "5.7.1", "Your address may not send mail here")
LOGIN_FIRST: Final = Reply(530, "5.7.0", "Authentication required")
CERTIFICATE_FIRST: Final = Reply(554, "5.7.1", "A client certificate is required")
SENDER_NOT_OURS: Final = Reply(550, "5.7.1", "You may not send as this address")
RELAY_DENIED: Final = Reply(554, "5.7.1", "Relay access denied")
AUTH_NOT_OFFERED: Final = Reply(502, "5.5.1", "AUTH is not offered here")
AUTH_NEEDS_TLS: Final = Reply(538, "5.7.11", "Say STARTTLS first")
AUTH_ALREADY: Final = Reply(503, "5.5.1", "Authenticated already")
AUTH_IN_MAIL: Final = Reply(503, "5.5.1", "Not during a mail transaction")
AUTH_UNKNOWN: Final = Reply(504, "5.5.4", "Authentication mechanism not offered")
AUTH_BROKEN: Final = Reply(501, "5.5.2", "Cannot decode the authentication exchange")
AUTH_CANCELLED: Final = Reply(501, "5.7.0", "Authentication cancelled")
AUTH_WRONG: Final = Reply(535, "5.7.8", "Authentication credentials invalid")
AUTH_LATER: Final = Reply(454, "4.7.0", "Too many failed sign-ins; try again later")

# --- addresses and parameters -------------------------------------------------------------------------------------
SENDER_SYNTAX: Final = Reply(501, "5.1.7", "Syntax: MAIL FROM:<address>")
RECIPIENT_SYNTAX: Final = Reply(501, "5.1.3", "Syntax: RCPT TO:<address>")
SENDER_MALFORMED: Final = Reply(553, "5.1.7", "Malformed sender address")
RECIPIENT_MALFORMED: Final = Reply(553, "5.1.3", "Malformed recipient address")
SENDER_ROUTED: Final = Reply(553, "5.1.7", "Source routes are not accepted")
RECIPIENT_ROUTED: Final = Reply(553, "5.1.3", "Routes in addresses are not accepted")
RECIPIENT_LITERAL: Final = Reply(550, "5.1.2", "Address literals are not accepted as recipients")
NEEDS_SMTPUTF8: Final = Reply(553, "5.6.7", "This address needs SMTPUTF8")
PARAMETER_UNKNOWN: Final = Reply(555, "5.5.4", "Parameter not recognised")
PARAMETER_INVALID: Final = Reply(501, "5.5.4", "Invalid parameter")
TOO_MANY_RECIPIENTS: Final = Reply(452, "4.5.3", "Too many recipients")

# --- the message --------------------------------------------------------------------------------------------------
TOO_BIG: Final = Reply(552, "5.3.4", "Message larger than this server takes")
BARE_NEWLINE: Final = Reply(554, "5.6.0", "Message has a CR or LF that is not part of a CR LF")
HAS_NUL: Final = Reply(554, "5.6.0", "Message has a NUL")
LINE_ENDLESS: Final = Reply(554, "5.6.0", "Message has a line longer than this server takes")
HEADER_ENDLESS: Final = Reply(554, "5.6.0", "Message header larger than this server takes")
LOOPS: Final = Reply(554, "5.4.6", "Too many hops: the message goes round in a loop")


def accepted(message_id: str) -> Reply:
    """The one reply that takes the message off the client's hands."""
    return Reply(250, "2.0.0", f"Accepted as {message_id}")


def line(reply: Reply) -> bytes:
    """One reply as it goes over the wire. A policy's text may be of any language: what is not ASCII becomes `?`."""
    text = " ".join(str(reply).split())
    return text.encode("ascii", "replace")[:500] + b"\r\n"


def lines(code: int, texts: list[str]) -> bytes:
    """A reply of several lines, without enhanced codes (the answer to EHLO)."""
    last = len(texts) - 1
    return b"".join(f"{code}{' ' if i == last else '-'}{text}\r\n".encode("ascii") for i, text in enumerate(texts))
