"""Pure: no database, no network, no clock, no random."""
