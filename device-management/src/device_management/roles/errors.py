"""What can go wrong with roles."""

from collections.abc import Iterable, Sequence

from shared.errors import DomainError


class RoleNotFound(DomainError):
    """There is none of that name, or it is another organization's: the answer is the same."""

    status = 404
    code = "role_not_found"

    def __init__(self) -> None:
        super().__init__("role not found")


class UnknownRole(DomainError):
    """Somebody was to get a role that the organization does not have."""

    status = 422
    code = "unknown_role"

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(f"the organization has no role {', '.join(sorted(names))}; see GET /api/v2/roles")


class RoleNameTaken(DomainError):
    status = 409
    code = "role_name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is a role {name} already")


class RoleIsBuiltIn(DomainError):
    """The roles that every organization has stay as they are."""

    status = 409
    code = "role_is_built_in"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is built in and stays as it is; make a role of your own")


class RoleInUse(DomainError):
    """Whoever holds it would lose it unawares."""

    status = 409
    code = "role_in_use"

    def __init__(self, name: str, users: int, first: Sequence[int]) -> None:
        """`first` are ids of some of them."""
        super().__init__(
            f"{users} people hold the role {name}; change their roles first, with PATCH /api/v2/users/{{user_id}}",
            users=users,
            user_ids=list(first),
        )


class TooManyRoles(DomainError):
    status = 409
    code = "too_many_roles"

    def __init__(self, most: int) -> None:
        super().__init__(f"an organization has at most {most} roles of its own")


class ScopeNotHeld(DomainError):
    """Nobody grants what they do not hold."""

    status = 403
    code = "scope_not_held"

    def __init__(self, scopes: Iterable[str]) -> None:
        super().__init__(f"you do not hold {' '.join(scopes)}, so you cannot grant it")


class LastAdministrator(DomainError):
    """Without this person nobody could administrate any more."""

    status = 409
    code = "last_administrator"

    def __init__(self, scope: str) -> None:
        super().__init__(f"this is the last active person with {scope}; give it to somebody else first")
