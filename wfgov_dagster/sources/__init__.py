"""Where data is: what may be asked of it."""
