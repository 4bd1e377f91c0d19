"""Signing in, refreshing, signing out, a new password, and who I am."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.security import OAuth2PasswordRequestForm

from device_management.auth.errors import BadCredentials, BadRefreshToken, SignInNeeded, TooManyAttempts
from device_management.auth.schemas import Me, PasswordChange, RefreshRequest, TokenPair
from device_management.auth.service import AuthService
from device_management.organizations.errors import OrganizationIsSuspended
from shared.http.declared import raises
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/auth", tags=["auth"])

Auth = Annotated[AuthService, use(AuthService)]
Person = Annotated[Principal, requires()]


@router.post("/login")
@raises(BadCredentials, TooManyAttempts, OrganizationIsSuspended)
async def login(form: Annotated[OAuth2PasswordRequestForm, Depends()], auth: Auth, request: Request) -> TokenPair:
    """Signs in with e-mail (as `username`) and password. After failed attempts the next has to wait, never for ever."""
    return await auth.login(form.username, form.password, address=_address(request))


@router.post("/refresh")
@raises(BadRefreshToken, OrganizationIsSuspended)
async def refresh(body: RefreshRequest, auth: Auth) -> TokenPair:
    """A new pair of tokens for a refresh token, which is used up by it."""
    return await auth.refresh(body.refresh_token)


@router.post("/logout", status_code=204)
async def logout(body: RefreshRequest, auth: Auth) -> None:
    """Ends the sign-in: none of its refresh tokens works any more."""
    await auth.logout(body.refresh_token)


@router.post("/logout-everywhere", status_code=204)
@raises(BadCredentials, SignInNeeded)
async def logout_everywhere(who: Person, auth: Auth) -> None:
    """Ends every sign-in of the caller, this one included; access tokens are refused within 5 s, everywhere."""
    await auth.logout_everywhere(who)


@router.post("/password")
@raises(BadCredentials, TooManyAttempts, SignInNeeded)
async def change_password(body: PasswordChange, who: Person, auth: Auth, request: Request) -> TokenPair:
    """Takes a new password, ends every sign-in of the caller and answers with the tokens of a new one."""
    return await auth.change_password(who, body.current_password, body.new_password, address=_address(request))


@router.get("/me")
@raises(BadCredentials)
async def me(who: Person, auth: Auth) -> Me:
    """Who the token speaks for; `scopes` are the token's."""
    return await auth.me(who)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
