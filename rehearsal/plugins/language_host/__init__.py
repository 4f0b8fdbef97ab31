"""A stand-in for `pulumi-language-python`: runs Pulumi programs in their project's own Python."""
