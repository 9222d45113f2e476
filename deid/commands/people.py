"""Commands about people and what is kept of them: user, crosswalk."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from deid.commands.console import ERR, OUT, asked
from deid.errors import UsageError
from deid.settings import Settings
from deid.store import ONE_TIME_HOURS, Action, Actor, NewUser, Role, SignIn, crosswalk, open_store


def user_add(
    name: str,
    role: Annotated[Role, typer.Option(help="What the person may do.")] = Role.STAFF,
    first_name: str = "",
    last_name: str = "",
    email: str = "",
) -> None:
    """Add a person; the password is asked for, or read from standard input where there is no terminal."""
    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    store = open_store(Settings.from_environment())
    store.add_user(NewUser(name, password, first_name, last_name, email, role))
    store.close()
    ERR.print("The user was added.")


def user_list() -> None:
    """List the people who may sign in."""
    store = open_store(Settings.from_environment())
    for user in store.users():
        state = "active" if user.active else "disabled"
        OUT.print(f"{user.username}  {user.role.value}  {state}", markup=False, highlight=False)
    store.close()


def user_disable(name: str) -> None:
    """Keep a person out; open sessions end at their next step."""
    store = open_store(Settings.from_environment())
    store.disable_user(name)
    store.close()
    ERR.print("The user was disabled.")


def user_reset(name: str) -> None:
    """Print a one-time password for a person who forgot theirs; open sessions end at their next step."""
    store = open_store(Settings.from_environment())
    password, _ = store.reset_password(name)
    store.close()
    ERR.print(f"The person can sign in with this password within {ONE_TIME_HOURS} hours:")
    typer.echo(password)


def crosswalk_export(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    admin: Annotated[str, typer.Option(help="User name of an administrator.")],
) -> None:
    """Write all kept pairs into an encrypted file; asks for the administrator's password, then a passphrase."""
    settings = Settings.from_environment()
    store = open_store(settings)
    try:
        password = asked("Password")
        user = store.user(admin)
        welcome = store.check_password(admin, password) is SignIn.WELCOME
        if not welcome or user is None or not user.role.may_administer:
            raise UsageError("Only an administrator can export the crosswalk.")
        count = crosswalk.export(settings.home, file, asked("Passphrase of the file"))
        store.record(Actor(user.username, "console"), Action.EXPORTED, "crosswalk")
    finally:
        store.close()
    ERR.print(f"{count} pairs were written.")


def crosswalk_show(file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Print an exported file as CSV; its originals are PHI."""
    if not file.is_file():
        raise UsageError("FILE does not exist.")
    typer.echo(crosswalk.opened(file.read_bytes(), asked("Passphrase of the file")), nl=False)
