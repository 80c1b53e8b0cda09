"""What the settings of a message mean for its guest, in plain words."""

from delivery.safebox.choices import Others, Replies, Told
from delivery.safebox.participants import Invitation
from delivery.store.boxes import Role
from portal.web.render import _, count, say


def settings_in_words(invitation: Invitation) -> tuple[str, ...]:
    """A few sentences, the most useful first."""
    profile = invitation.profile
    told: list[str] = []
    people = profile.participants
    if people.replies is Replies.NONE:
        told.append(_("This message takes no replies."))
    elif people.replies is Replies.ALL:
        told.append(_("Everybody in it sees the others, and reads every reply."))
    elif people.others is Others.VISIBLE:
        told.append(_("Those who got it see each other. A reply goes to the sender’s side alone."))
    elif invitation.role is not Role.GUEST:
        told.append(_("You see everybody who got it. They do not see each other."))
    else:
        told.append(_("If others got it too, you do not see each other."))
    late = profile.life.late_reply
    if people.replies is not Replies.NONE and invitation.answerable and late:
        days = round(late.total_seconds() / 86400)
        if days:
            told.append(say("A reply keeps it open for {time} at least from then on.", time=count(days, "day", "days")))
    if invitation.deletes_at is None:
        told.append(_("It is kept until the sender deletes it."))
    told.append(
        {
            Told.FIRST: _("The sender gets an e-mail when you first open it."),
            Told.EVERY: _("The sender gets an e-mail each time you open it."),
            Told.NEVER: _("The sender gets no e-mail when you open it."),
        }[profile.notice.opened]
    )
    return tuple(told)
