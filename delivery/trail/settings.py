"""How the audit trail is guarded."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from delivery.sections import Section, wrong
from delivery.trail.places import place_of
from policy.units import Duration


def _place(value: str) -> str:
    try:
        place_of(value)
    except ValueError as cause:
        raise wrong(
            f'"{value}" is no place for checkpoints: {cause}',
            "write it as file:///var/log/sealgate/checkpoints, syslog://loghost.example.com:514 or https://host/path",
        ) from cause
    return value


class AuditSettings(Section):
    """`audit`: the trail of every act is chained and signed; the signatures may go elsewhere."""

    checkpoint: Annotated[Duration, Field(ge=timedelta(seconds=10), le=timedelta(days=1))] = Field(
        default=timedelta(minutes=5),
        examples=["5m"],
        description="How often, while events come, the end of the chain is signed.",
    )
    ship: tuple[Annotated[str, AfterValidator(_place)], ...] = Field(
        default=(),
        examples=[["syslog://loghost.example.com:514"]],
        description="Where each signed checkpoint is sent, so that whoever can change the database cannot cut off the "
        "trail unseen: file:///PATH (a line of JSON is appended), syslog://HOST:PORT (UDP, RFC 5424), "
        "syslog+tcp://HOST:PORT, or https://… (POST).",
    )
