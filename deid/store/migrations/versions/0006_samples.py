"""Random samples of a run's clean files, which people look at."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"}


def upgrade() -> None:
    """From 0005."""
    op.create_table(
        "samples",
        sa.Column("run_id", _KEY, nullable=False, autoincrement=False),
        sa.Column("user_id", _KEY, nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_samples"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_samples_run_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_samples_user_id"),
        **_MYSQL,
    )
    op.create_index("ix_samples_user_id", "samples", ["user_id"])
    op.create_table(
        "sample_images",
        sa.Column("run_id", _KEY, nullable=False, autoincrement=False),
        sa.Column("image_id", _KEY, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("run_id", "image_id", name="pk_sample_images"),
        sa.ForeignKeyConstraint(["run_id"], ["samples.run_id"], name="fk_sample_images_run_id"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_sample_images_image_id"),
        **_MYSQL,
    )
    op.create_index("ix_sample_images_image_id", "sample_images", ["image_id"])
