"""One-time passwords, what a session looks like, settings changed at run time, the audit, and figures kept a run."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import sqlalchemy as sa
from alembic import op

from deid.store.buckets import bucket_of

revision = "0002"
down_revision = "0001"

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"}
_BY_COLUMN = {"modality": "modality", "syntax": "syntax_in"}


def upgrade() -> None:
    """From 0001."""
    _people()
    _audit()
    _figures()
    _count_what_is_there()


def _people() -> None:
    op.add_column("users", sa.Column("password_until", sa.DateTime(), nullable=True))
    op.add_column(
        "web_sessions", sa.Column("seen", sa.DateTime(), nullable=False, server_default="2000-01-01 00:00:00")
    )
    op.add_column("web_sessions", sa.Column("browser", sa.String(40), nullable=False, server_default=""))
    op.add_column("web_sessions", sa.Column("address", sa.String(16), nullable=False, server_default=""))
    op.execute("UPDATE web_sessions SET seen = created")
    op.create_table(
        "settings",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_settings"),
        **_MYSQL,
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("user_id", _KEY, nullable=True),
        sa.Column("action", sa.String(24), nullable=False),
        sa.Column("subject", sa.String(80), nullable=False),
        sa.Column("address", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_audit_user_id"),
        **_MYSQL,
    )
    for column in ("at", "user_id", "action"):
        op.create_index(f"ix_audit_{column}", "audit", [column])


def _figures() -> None:
    op.add_column("images", sa.Column("phi_words", sa.Text(), nullable=True))
    op.add_column("images", sa.Column("failed_checks", sa.Text(), nullable=True))
    op.create_table(
        "run_figures",
        sa.Column("run_id", _KEY, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("value", sa.String(64), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "kind", "value", name="pk_run_figures"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_figures_run_id"),
        **_MYSQL,
    )
    op.create_index("ix_run_figures_kind_value_count", "run_figures", ["kind", "value", "count"])


def _count_what_is_there() -> None:
    into = "INSERT INTO run_figures (run_id, kind, value, count)"
    op.execute(f"{into} SELECT run_id, 'outcome', outcome, count(*) FROM images GROUP BY run_id, outcome")  # noqa: S608
    for kind, column in _BY_COLUMN.items():
        op.execute(
            f"{into} SELECT run_id, '{kind}', {column}, count(*) FROM images "  # noqa: S608
            f"WHERE outcome <> 'refused' GROUP BY run_id, {column}"
        )
    op.execute(
        f"{into} SELECT run_id, 'sign', CASE WHEN signed IS NULL THEN 'none' WHEN signed THEN 'signed' "  # noqa: S608
        "ELSE 'unsigned' END AS whether, count(*) FROM images WHERE outcome <> 'refused' GROUP BY run_id, whether"
    )
    connection = op.get_bind()
    times: Counter[tuple[int, str, str]] = Counter()
    for run_id, text in connection.execute(sa.text("SELECT run_id, stage_seconds FROM images")):
        for stage, seconds in json.loads(text).items():
            times[run_id, f"time.{stage}", str(bucket_of(seconds))] += 1
    if times:
        connection.execute(
            sa.text(f"{into} VALUES (:run_id, :kind, :value, :count)"),
            [{"run_id": run, "kind": kind, "value": value, "count": n} for (run, kind, value), n in times.items()],
        )
