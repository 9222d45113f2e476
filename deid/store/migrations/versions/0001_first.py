"""Users, sign-in sessions, runs, images and their boxes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"}


def upgrade() -> None:
    """From an empty database."""
    _people()
    _work()


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("first_name", sa.String(100), nullable=False),
        sa.Column("last_name", sa.String(100), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("password_hash", sa.String(72), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("username", name="uq_users_username"),
        **_MYSQL,
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("name_hash", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name_hash", name="pk_sign_in_failures"),
        **_MYSQL,
    )
    op.create_index("ix_sign_in_failures_until", "sign_in_failures", ["until"])
    op.create_table(
        "web_sessions",
        sa.Column("id_hash", sa.String(64), nullable=False),
        sa.Column("user_id", _KEY, nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("expires", sa.DateTime(), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id_hash", name="pk_web_sessions"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_web_sessions_user_id"),
        **_MYSQL,
    )
    op.create_index("ix_web_sessions_user_id", "web_sessions", ["user_id"])
    op.create_index("ix_web_sessions_expires", "web_sessions", ["expires"])


def _work() -> None:
    op.create_table(
        "runs",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("user_id", _KEY, nullable=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("planned", sa.Integer(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("started", sa.DateTime(), nullable=False),
        sa.Column("ended", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_runs_user_id"),
        **_MYSQL,
    )
    op.create_index("ix_runs_user_id", "runs", ["user_id"])
    op.create_index("ix_runs_started", "runs", ["started"])
    op.create_table(
        "images",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("run_id", _KEY, nullable=False),
        sa.Column("name_hash", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("modality", sa.String(16), nullable=False),
        sa.Column("syntax_in", sa.String(64), nullable=False),
        sa.Column("syntax_out", sa.String(64), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("signed", sa.Boolean(), nullable=True),
        sa.Column("box_count", sa.Integer(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("stage_seconds", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_images"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_images_run_id"),
        **_MYSQL,
    )
    op.create_index("ix_images_run_id", "images", ["run_id"])
    op.create_index("ix_images_name_hash", "images", ["name_hash"])
    op.create_index("ix_images_created", "images", ["created"])
    op.create_index("ix_images_outcome_signed", "images", ["outcome", "signed"])
    op.create_index("ix_images_modality_outcome", "images", ["modality", "outcome"])
    op.create_table(
        "boxes",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("image_id", _KEY, nullable=False),
        sa.Column("frame", sa.Integer(), nullable=True),
        sa.Column("box_left", sa.Integer(), nullable=False),
        sa.Column("box_top", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.String(120), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_boxes"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_boxes_image_id"),
        **_MYSQL,
    )
    op.create_index("ix_boxes_image_id", "boxes", ["image_id"])
