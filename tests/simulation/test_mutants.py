"""Each safeguard taken out is seen by a check, or by none: then it is a second wall, and the pair of both is seen (R3)."""
