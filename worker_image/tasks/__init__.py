"""The fleet's tasks; each may be delivered twice, and the second run changes nothing."""
