"""Signing in, refreshing, signing out, and who I am."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.security import OAuth2PasswordRequestForm

from device_management.auth.schemas import Me, RefreshRequest, TokenPair
from device_management.auth.service import AuthService
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/auth", tags=["auth"])

Auth = Annotated[AuthService, use(AuthService)]


@router.post("/login")
async def login(form: Annotated[OAuth2PasswordRequestForm, Depends()], auth: Auth) -> TokenPair:
    """Signs in with e-mail (as `username`) and password."""
    return await auth.login(form.username, form.password)


@router.post("/refresh")
async def refresh(body: RefreshRequest, auth: Auth) -> TokenPair:
    """A new pair of tokens for a refresh token, which is used up by it."""
    return await auth.refresh(body.refresh_token)


@router.post("/logout", status_code=204)
async def logout(body: RefreshRequest, auth: Auth) -> None:
    """Ends the sign-in: none of its refresh tokens works any more."""
    await auth.logout(body.refresh_token)


@router.get("/me")
async def me(principal: Annotated[Principal, requires()], auth: Auth) -> Me:
    return await auth.me(int(principal.subject), principal.scopes)
