"""What senders ask of security profiles in their mail, and which profiles they may use: settings, and what to tell."""

from collections.abc import Iterator, Mapping
from email.utils import parseaddr
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from delivery.safebox.profile import Profile
from delivery.safebox.wishes import adjust, is_known
from delivery.sections import Section, wrong
from delivery.speech import Phrase, phrase
from gateway.yamlmarks import Document
from policy.decision import Verdict
from policy.message import Address, AddressInvalid
from policy.problem import Problem
from policy.route import ProfileGroup, domain_matches

STANDARD: Final = "standard"


def _sender(value: str) -> str:
    """An address by its key; a domain in A-labels, `*.` in front where all below it are meant."""
    below = "*." if value.startswith("*.") else ""
    try:
        if "@" in value:
            return Address.parse(value).key
        return below + Address.parse(f"x@{value.removeprefix('*.')}").domain
    except AddressInvalid as cause:
        raise wrong(
            f'"{value}" is neither an address nor a domain', "write clara@example.com or example.com"
        ) from cause


class ProfileGroupSettings(Section):
    """Which security profiles some of our senders use."""

    senders: Annotated[tuple[Annotated[str, AfterValidator(_sender)], ...], Field(min_length=1)] = Field(
        examples=[["clara@example.com", "hr.example.com"]], description="Addresses, domains, or *. for all below one."
    )
    profiles: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        examples=[["standard"]], description="What they may choose from, by `[secure NAME]` or X-Sealgate-Profile."
    )
    default: str | None = Field(
        default=None,
        examples=["standard"],
        description="What they have unless they choose; null: the first.",
    )

    def group(self) -> ProfileGroup:
        """The group in the form that the policy uses."""
        return ProfileGroup(self.senders, self.profiles, self.default or self.profiles[0])


def untaken(verdict: Verdict, profiles: Mapping[str, Profile]) -> tuple[Phrase, ...]:
    """Sentences for the sender: every word of theirs that was not understood or not done, each once.

    Where a recipient is reached without a SafeBox, a profile has nothing to say, and only unknown words are told.
    """
    names = {STANDARD, *profiles}
    lower = {name.lower() for name in names}
    told: dict[Phrase, None] = {}
    for decision in (one.released or one for one in verdict.decisions):
        words = decision.changes.wishes
        if not words:
            continue
        if decision.profile is None:
            strange = [word for word in words if word not in lower and not is_known(word)]
            told |= dict.fromkeys(
                phrase("“{word}” is not a word that is understood here.", word=word) for word in strange
            )
            continue
        profile = profiles.get(decision.profile) or Profile()
        told |= dict.fromkeys(adjust(profile, words, names).untaken)
        others = [word for word in words if word in lower and word != decision.profile.lower()]
        told |= dict.fromkeys(
            phrase("The security profile “{word}” is not yours to choose for this mail.", word=word) for word in others
        )
    return tuple(told)


def check_groups(draft: Mapping[str, Any], document: Document) -> Iterator[Problem]:
    """Groups name profiles that there are, and people who are ours; so do profiles."""
    groups: Mapping[str, ProfileGroupSettings] = draft.get("profile_groups", {})
    written = document.data.get("profiles")
    known = {STANDARD, *(written if isinstance(written, dict) else ())}
    for name, group in groups.items():
        for index, profile in enumerate(group.profiles):
            if profile not in known:
                cause = f'there is no profile "{profile}"'
                yield document.problem(
                    ("profile_groups", name, "profiles", index), cause, f"there is {', '.join(sorted(known))}"
                )
        if group.default is not None and group.default not in group.profiles:
            cause = f'the default "{group.default}" is not among the group\'s profiles'
            yield document.problem(("profile_groups", name, "default"), cause, "add it there")
        for index, sender in enumerate(group.senders):
            if not _is_ours(sender, draft):
                cause = f"{sender} is none of our `domains`"
                yield document.problem(("profile_groups", name, "senders", index), cause, "its mail is refused anyway")
    profiles: Mapping[str, Profile] = draft.get("profiles", {})
    for name, settings in profiles.items():
        for key in ("privileged", "colleagues"):
            for index, person in enumerate(getattr(settings.participants, key)):
                address = parseaddr(person)[1]
                if not _is_ours(address, draft):
                    cause = f"{address} is none of ours, and would see every box of this profile"
                    path = ("profiles", name, "participants", key, index)
                    yield document.problem(path, cause, "only people in `domains` can take part in every box")


def _is_ours(sender: str, draft: Mapping[str, Any]) -> bool:
    domain = sender.rpartition("@")[2].lower()
    ours = draft.get("domains")
    return ours is None or any(domain_matches(one, domain.removeprefix("*.")) or one == domain for one in ours)
