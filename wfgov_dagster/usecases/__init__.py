"""What the product does, one file a verb: read, decide (domain), act, record."""
