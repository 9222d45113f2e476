"""Files of a run are rows from the moment they are planned; what a file was when it was worked on, as keyed hashes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """From 0002."""
    op.add_column("images", sa.Column("number", sa.Integer(), nullable=True))
    op.add_column("images", sa.Column("input_hash", sa.String(64), nullable=False, server_default=""))
    op.add_column("images", sa.Column("settings_hash", sa.String(64), nullable=False, server_default=""))
    op.create_index("ix_images_run_id_number", "images", ["run_id", "number"], unique=True)
    op.create_index("ix_images_run_id_outcome_number", "images", ["run_id", "outcome", "number"])
    op.drop_index("ix_images_run_id", "images")
