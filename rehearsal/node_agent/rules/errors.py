"""Why a container does not run, in the words that `kubectl describe pod` shows."""


class ContainerConfigError(Exception):
    """An environment or a volume cannot be put together yet; it is tried again."""


class UnknownImageError(Exception):
    """No local environment stands in for the image; it is tried again, the spec may change."""
