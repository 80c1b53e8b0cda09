"""One file to Content, by what it truly is."""
