"""What goes wrong with web servers: what trying again may mend, and what it will not."""


class WebError(Exception):
    """What cannot be had from the web; trying again would not help."""


class WebAwayError(Exception):
    """What cannot be had now: no connection, a time-out, a server's error."""
