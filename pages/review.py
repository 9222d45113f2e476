"""What the machine was not sure of: one file at a time, for a person to look at, correct and decide."""

from deid.ui import review
from deid.ui.auth import require_user

review.page(require_user())
