"""Importing this keeps pydicom silent: its log lines and warnings quote element values, which are PHI.

Every module that hands data to pydicom imports it. Reading and writing validate nothing here either, since real
archives hold many invalid values and each would be a warning with the value in it; our own stages check what matters.
"""

from __future__ import annotations

import logging
import warnings

import pydicom.config

_QUOTING_LOGGERS = ("pydicom", "pylibjpeg", "openjpeg", "rle", "jpeg_ls", "imagecodecs", "PIL")

pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
# As a regular expression on the module that warns; the suite's own filters say the same (pyproject.toml).
warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")
for _name in _QUOTING_LOGGERS:
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)
