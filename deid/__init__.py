"""Find and remove protected health information (PHI) in medical images."""

import os

__version__ = "0.1.0"

# Read when a library with OpenMP is loaded: threads that spin while they wait slow down every other worker.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
