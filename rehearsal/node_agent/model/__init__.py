"""What the node agent reads of the API's objects; fields it does not act on are dropped."""
