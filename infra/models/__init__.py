"""What a stack may state, as pure models: no engine, no cloud, no clock, no environment."""
