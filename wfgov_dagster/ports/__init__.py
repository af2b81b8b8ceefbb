"""Every door to the outside, with its errors. Implementations are named in `wiring` only."""
