"""The demo's sample mails: one for each way a message can take."""

import io
import zipfile
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final

SENDER: Final = "alice@example.com"
FRIEND: Final = "bob@friends.example"
PARTNER: Final = "carol@stmary.example"
STRANGER: Final = "dora@post.example"
SECOND: Final = "emil@elsewhere.example"  # a stranger too, written to in the same mail
DEPUTY: Final = "nora@example.com"  # has the sender's rights, by the security profile
TELEPHONE: Final = "+41791234567"  # hers

_LETTER: Final = (
    "Discharge letter",
    "Dear colleague, thank you for seeing our patient after her hip operation.",
    "Patient: Jane Sample, SSN 536-22-1234, MRN 00412345.",
    "She takes enoxaparin once a day until the wound check.",
)

_DOCUMENT_XML: Final = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{}</w:body></w:document>'
)
_CONTENT_TYPES: Final = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/word/document.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_RELATIONSHIPS: Final = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="word/document.xml"/></Relationships>'
)


def word_file(paragraphs: tuple[str, ...] = _LETTER) -> bytes:
    """A Word document of these paragraphs."""
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _CONTENT_TYPES)
        archive.writestr("_rels/.rels", _RELATIONSHIPS)
        archive.writestr("word/document.xml", _DOCUMENT_XML.format(body))
    return packed.getvalue()


def sample_mails() -> tuple[EmailMessage, ...]:
    """An ordinary mail, the letter to a partner, and the same letter to two strangers."""
    lunch = _mail(FRIEND, "Lunch on Thursday?", "Hello Bob,\n\nhow about lunch on Thursday at noon?\n\nAlice\n")
    letter = "Dear {},\n\nplease find the discharge letter attached.\n\nKind regards,\nAlice Example\n"
    mails = [lunch]
    for recipient, name in ((PARTNER, "Carol"), (f"{STRANGER}, {SECOND}", "Dora, dear Emil")):
        mail = _mail(recipient, "The discharge letter", letter.format(name))
        mail.add_attachment(
            word_file(),
            maintype="application",
            subtype="vnd.openxmlformats-officedocument.wordprocessingml.document",
            filename="Discharge letter.docx",
        )
        if recipient != PARTNER:  # how Dora may prove herself beside mail; taken off on the way
            mail["X-Sealgate-Phone"] = f"{STRANGER}={TELEPHONE}"
            mail["X-Sealgate-Question"], mail["X-Sealgate-Answer"] = "Where did we meet?", "In Davos"
        mails.append(mail)
    return tuple(mails)


def _mail(recipient: str, subject: str, text: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = f"Alice Example <{SENDER}>"
    mail["To"] = recipient
    mail["Subject"] = subject
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(domain="example.com")
    mail.set_content(text)
    return mail
