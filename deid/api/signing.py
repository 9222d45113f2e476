"""A token for a password, by the same rules as the pages' sign-in; and giving it up again."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request

from deid import serving
from deid.addresses import address_kind
from deid.api.answers import Caller, Credentials, Fault, Token
from deid.api.door import LOGIN, token_of
from deid.store import Action, Actor, SessionKind, SignIn, session_hash

router = APIRouter(tags=["sign-in"])
_CLIENT = "A program (API)"


def actor(request: Request, username: str = "") -> Actor:
    """Who asks, as the audit wants to know."""
    return Actor(username, address_kind(request.client.host if request.client else None))


@router.post(LOGIN, responses={400: {"model": Fault}})
def login(credentials: Credentials, request: Request) -> Token:
    """A bearer token for a user name and a password. Wrong passwords lock the name for a while, as in the pages."""
    store, by = serving.store(), actor(request)
    settings = store.in_force()
    match store.check_password(credentials.username, credentials.password, by):
        case SignIn.LOCKED:
            seconds = {"retry-after": str(int(settings.lockout_minutes * 60))}
            raise HTTPException(429, "Too many attempts with this name: wait, then try again.", seconds)
        case SignIn.WRONG:
            raise HTTPException(401, "The user name or the password is not right.", {"www-authenticate": "Bearer"})
    user = store.user(credentials.username)
    if user is None or user.must_choose_password:
        raise HTTPException(403, "Sign in to the pages first, and choose a password of your own.")
    token = store.create_session(user.username, by, _CLIENT, SessionKind.PROGRAM)
    return Token(access_token=token, expires_in=int(settings.token_minutes * 60))


@router.post("/logout", status_code=204)
def logout(user: Caller, request: Request) -> None:
    """End the token that this request is sent with."""
    token = session_hash(token_of(request.headers))
    serving.store().revoke_session(token, actor(request, user.username), Action.SIGN_OUT)
