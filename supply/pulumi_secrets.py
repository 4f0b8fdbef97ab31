"""Finds what Pulumi keeps for itself: a stack's state, and the passphrase that opens it."""

import re

from detect_secrets.plugins.base import RegexBasedDetector


class PulumiSecretDetector(RegexBasedDetector):
    """An exported or a self-managed state, an encryption salt, a passphrase, an access token.

    A stack file's `secure:` values are meant for git; with the salt beside them, though, they are
    as safe as the passphrase is long.
    """

    secret_type = "Pulumi State or Passphrase"  # noqa: S105 - what it is called
    denylist = (
        re.compile(r'"secrets_providers"\s*:\s*\{?'),
        re.compile(r"\bencryptionsalt\s*:\s*[\"']?(v1:\S+)"),
        re.compile(r"PULUMI_CONFIG_PASSPHRASE[\"']?\s*[:=]\s*[\"']?([^\s\"'$,)]+)"),
        re.compile(r"\b(pul-[0-9a-f]{40})\b"),
    )
