"""What people decided about images, and who looks at which of them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"}


def upgrade() -> None:
    """From 0003."""
    op.add_column("images", sa.Column("claimed_by", _KEY, nullable=True))
    op.add_column("images", sa.Column("claimed_until", sa.DateTime(), nullable=True))
    op.create_table(
        "reviews",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("run_id", _KEY, nullable=False),
        sa.Column("image_id", _KEY, nullable=True),
        sa.Column("user_id", _KEY, nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("covered", sa.Integer(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("readable", sa.Integer(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reviews"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_reviews_run_id"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_reviews_image_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_reviews_user_id"),
        **_MYSQL,
    )
    for column in ("run_id", "image_id", "user_id", "at"):
        op.create_index(f"ix_reviews_{column}", "reviews", [column])
