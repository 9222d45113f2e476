"""A random sample of the files that came out clean, for people to look at."""

from deid.ui import quality
from deid.ui.auth import require_user

quality.page(require_user())
