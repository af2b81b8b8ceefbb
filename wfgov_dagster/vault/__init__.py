"""Secrets that are kept: encrypted, with a key that is not where they are."""
