"""wfgov: governs data workflows from lineage metadata to a verified publish. See README.md for the map of rooms."""
