"""What can go wrong with signing in."""

from shared.errors import DomainError


class BadCredentials(DomainError):
    """No such person, or another password: the answer does not say which."""

    status = 401
    code = "bad_credentials"

    def __init__(self) -> None:
        super().__init__("e-mail or password is wrong", headers={"WWW-Authenticate": "Bearer"})


class TooManyAttempts(DomainError):
    """Somebody guesses passwords; after the wait the next attempt is looked at again."""

    status = 429
    code = "too_many_attempts"

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"too many failed sign-ins; try again in {wait_s} s", headers={"Retry-After": str(wait_s)})


class BadRefreshToken(DomainError):
    """Unknown, expired, or of a sign-in that has ended."""

    status = 401
    code = "bad_refresh_token"

    def __init__(self) -> None:
        super().__init__(
            "the refresh token is not valid any more; sign in again", headers={"WWW-Authenticate": "Bearer"}
        )


class SignInNeeded(DomainError):
    """A key speaks for its owner, but not about how its owner signs in."""

    status = 403
    code = "sign_in_needed"

    def __init__(self) -> None:
        super().__init__("this needs the token of a sign-in, not an API key")


class RefreshTokenReused(BadRefreshToken):
    """It was used before, so a copy of it is about: the refusal ends the whole sign-in."""

    keeps_changes = True
