"""The one exception for what the user can mend."""


class FilmError(ValueError):
    """Bad input: the message names the value, what is allowed and the way out.

    The command line prints it as one line on stderr and leaves with exit code 2.
    """
