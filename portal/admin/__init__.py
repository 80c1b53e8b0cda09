"""The admin's site: held mail, reports, trials. Its pages come with a later release; the place is kept."""
