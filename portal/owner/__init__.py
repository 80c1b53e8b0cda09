"""The owner's site: a sender's own boxes. Its pages come with a later release; the place is kept."""
