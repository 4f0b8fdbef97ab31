"""What the project is made of: its lock files, their SBOMs and known holes, and no secrets."""
