"""The part that small resource providers share: the engine's calls, checks, differences."""
