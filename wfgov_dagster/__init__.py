"""wfgov: governs data workflows from lineage metadata to a verified publish. See README.md for the map of rooms."""

import os

# Before numpy is loaded: it asks for huge pages for every array over 4 MB. Ours live for a moment, and where memory is
# fragmented finding a huge page costs more than the work on it.
os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")
