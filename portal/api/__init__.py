"""The REST interface. It comes with a later release; the place is kept."""
