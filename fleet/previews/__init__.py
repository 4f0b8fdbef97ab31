"""Previews: a branch's own copy of the fleet, beside a base stack on its cluster and broker."""
