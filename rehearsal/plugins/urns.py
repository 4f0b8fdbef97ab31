"""What a resource's URN tells: its type, and its name in the program."""


def type_of_urn(urn: str) -> str:
    """The resource's own type; a URN's third part also names its parents' types."""
    return urn.split("::")[2].rsplit("$", maxsplit=1)[-1]


def name_of_urn(urn: str) -> str:
    """The resource's logical name."""
    return urn.split("::", maxsplit=3)[3]
