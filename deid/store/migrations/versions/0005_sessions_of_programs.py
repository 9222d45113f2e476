"""Sessions of programs, which hold a bearer token instead of a cookie."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """From 0004."""
    op.add_column("web_sessions", sa.Column("kind", sa.String(8), nullable=False, server_default="browser"))
