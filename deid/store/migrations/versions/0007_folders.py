"""Folders of the server that an administrator opened to the pages."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"}


def upgrade() -> None:
    """From 0006."""
    op.create_table(
        "folders",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("purpose", sa.String(8), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_folders"),
        **_MYSQL,
    )
