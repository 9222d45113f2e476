"""What wants eyes in an image, counted for the release report."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """From 0007."""
    op.add_column("images", sa.Column("warnings", sa.Text(), nullable=True))
