"""ElastiCache: users, and the groups of them that a replication group lets in."""

from threading import Lock

from rehearsal.cloud.broker import BROKER, ServerRefusedError
from rehearsal.cloud.calls import Handler, Request
from rehearsal.cloud.elasticache import GROUPS, USER, USERS, added, described, dropped, found
from rehearsal.cloud.reading import mapping, texts
from rehearsal.cloud.store import STORE, Record, Refusal

# AWS's bounds: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html
PASSWORD_MIN, PASSWORD_MAX = 16, 128
_APPLYING = Lock()


def create_user(request: Request) -> Record:
    key = request.text("UserId")
    record = _user(request, {"UserGroupIds": [], "Status": "active", **request.given()})
    record["ARN"] = request.arn("elasticache", f"user:{key}")
    return added(request, USER, key, record)


def modify_user(request: Request) -> Record:
    key = request.text("UserId")
    old = found(request, USER, key)
    fresh = _user(request, old | request.given())
    if request.text("AppendAccessString"):
        fresh["AccessString"] = f"{old['AccessString']} {request.text('AppendAccessString')}"
    changed = STORE.change(request.region, USER, key, lambda record: record.update(fresh))
    for group in STORE.all(request.region, USERS):
        if key in texts(group["UserIds"]):
            apply_users(request, str(group["UserGroupId"]))
    return changed


def _user(request: Request, record: Record) -> Record:
    """Check and keep the passwords, which no answer repeats."""
    mode = mapping(request.parameters.get("AuthenticationMode"))
    passwords = texts(request.parameters.get("Passwords")) or texts(mode.get("Passwords"))
    for password in passwords:
        if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
            told = f"Passwords length must be between {PASSWORD_MIN}-{PASSWORD_MAX} characters."
            raise Refusal("InvalidParameterValue", told)
    is_free = bool(request.parameters.get("NoPasswordRequired")) or "no-password" in str(mode)
    if passwords or is_free:
        record["secrets"] = passwords
        kind = "password" if passwords else "no-password"
        record["Authentication"] = {"Type": kind, "PasswordCount": len(passwords)}
    if "Authentication" not in record:
        told = "No password was provided: give one, or set NoPasswordRequired"
        raise Refusal("InvalidParameterValue", told)
    return {k: v for k, v in record.items() if k not in {"Passwords", "AuthenticationMode"}}


def delete_user(request: Request) -> Record:
    key = request.text("UserId")
    record = found(request, USER, key)
    if any(key in texts(group["UserIds"]) for group in STORE.all(request.region, USERS)):
        raise Refusal("InvalidUserState", f"User {key} is in a user group")
    STORE.drop(request.region, USER, key)
    return record | {"Status": "deleting"}


def create_user_group(request: Request) -> Record:
    key = request.text("UserGroupId")
    record = {"Status": "active", "ReplicationGroups": [], **request.given()}
    record["ARN"] = request.arn("elasticache", f"usergroup:{key}")
    _check_users(request, texts(record.get("UserIds")))
    return added(request, USERS, key, record)


def modify_user_group(request: Request) -> Record:
    key = request.text("UserGroupId")
    record = found(request, USERS, key)
    members = texts(record["UserIds"])
    gone = texts(request.parameters.get("UserIdsToRemove"))
    come = texts(request.parameters.get("UserIdsToAdd"))
    _check_change(key, members, gone, come)
    both = [*(each for each in members if each not in gone), *come]
    _check_users(request, both)
    changed = STORE.change(request.region, USERS, key, lambda old: old.update(UserIds=both))
    apply_users(request, key)
    _dismiss(request, gone)
    return changed


def _check_change(group: str, members: list[str], gone: list[str], come: list[str]) -> None:
    """ElastiCache refuses both (hashicorp/terraform-provider-aws issue 49945)."""
    told = [f"{each} is not a member of user group {group}" for each in gone if each not in members]
    told += [f"{each} is a member of user group {group}" for each in come if each in members]
    if told:
        raise Refusal("InvalidParameterValue", told[0])


def _dismiss(request: Request, gone: list[str]) -> None:
    """Who is no member of any group cannot log in."""
    groups = STORE.all(request.region, USERS)
    left = [each for each in gone if not any(each in texts(group["UserIds"]) for group in groups)]
    names = [str(found(request, USER, each)["UserName"]) for each in left]
    if names:
        BROKER.drop_users(names)


def _check_users(request: Request, ids: list[str]) -> None:
    users = [found(request, USER, each) for each in ids]
    names = [str(user["UserName"]) for user in users]
    if double := sorted({each for each in names if names.count(each) > 1}):
        told = f"User group has several users with the user name {double[0]}"
        raise Refusal("DuplicateUserName", told)
    if not any(user["UserName"] == "default" for user in users):
        told = "User group needs to contain a user with the user name default"
        raise Refusal("DefaultUserRequired", told)


def apply_users(request: Request, user_group: str) -> None:
    """Let the real server have the users, if a replication group has this user group."""
    groups = STORE.all(request.region, GROUPS)
    if not any(user_group in texts(group.get("UserGroupIds")) for group in groups):
        return
    # Of two calls at once, the later to write must be the later to have read.
    with _APPLYING:
        ids = texts(found(request, USERS, user_group)["UserIds"])
        users = [found(request, USER, each) for each in ids]
        told = {
            str(user["UserName"]): (str(user["AccessString"]), texts(user["secrets"]))
            for user in users
        }
        try:
            BROKER.set_users(told)
        except ServerRefusedError as error:
            raise Refusal("InvalidParameterValue", str(error)) from error


HANDLERS: dict[str, Handler] = {
    "create_user": create_user,
    "modify_user": modify_user,
    "describe_users": described(USER, "UserId", "Users"),
    "delete_user": delete_user,
    "create_user_group": create_user_group,
    "modify_user_group": modify_user_group,
    "describe_user_groups": described(USERS, "UserGroupId", "UserGroups"),
    "delete_user_group": dropped(USERS, "UserGroupId", lambda group: group.get("UserGroupIds")),
}
