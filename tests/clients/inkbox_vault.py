"""Who one is, and making and opening a vault, through `inkbox`."""

from inkbox.vault.exceptions import InkboxVaultKeyError
from inkbox.whoami.types import AUTH_SUBTYPE_API_KEY_ADMIN_SCOPED, WhoamiApiKeyResponse

from inkbox_harness import VAULT_KEY, client, does_not_open, owner, refused, setting, step, stranger

# The recovery codes, as they were shown.
CODES = []


@step("vault/whoami")
def caller_is_told():
    told = owner().whoami()
    assert isinstance(told, WhoamiApiKeyResponse), "an API key is no browser session"
    assert told.auth_subtype == AUTH_SUBTYPE_API_KEY_ADMIN_SCOPED, told.auth_subtype
    assert told.organization_id and told.key_id, told
    assert stranger().whoami().organization_id != told.organization_id, "another organization"


@step("vault/unauthorized")
def unknown_key_is_401():
    nobody = client("ibk_unknown")
    refused(401, nobody.whoami)
    refused(401, nobody.vault.info)
    refused(401, nobody.list_identities)


@step("vault/absent")
def no_vault_is_none():
    assert owner().vault.info() is None, "there is no vault yet"
    try:
        owner().vault.unlock(VAULT_KEY)
    except ValueError:
        return
    raise AssertionError("a vault that is not there was opened")


@step("vault/weak-key")
def weak_key_is_refused_by_the_client():
    try:
        owner().vault.initialize("too-weak")
    except InkboxVaultKeyError:
        assert owner().vault.info() is None, "nothing was made"
        return
    raise AssertionError("a weak vault key was taken")


@step("vault/initialize")
def vault_is_made():
    made = owner().vault.initialize(VAULT_KEY)
    assert made.recovery_key_count == len(made.recovery_codes) == len(set(made.recovery_codes)) == 4, made
    CODES.extend(made.recovery_codes)
    info = owner().vault.info()
    assert info.id == made.vault_id, info
    assert info.organization_id == owner().whoami().organization_id, "the salt is the same everywhere"
    assert (info.key_count, info.secret_count, info.recovery_key_count) == (1, 0, 4), info
    assert info.created_at.tzinfo is not None, "a time has a zone"
    refused(409, owner().vault.initialize, VAULT_KEY)


@step("vault/unlock")
def vault_opens():
    assert owner().vault.unlock(VAULT_KEY).secrets == []
    for code in (CODES[0], CODES[0], CODES[3]):
        # To open the vault uses no code up.
        owner().vault.unlock(code)
    # Few: a server slows guesses down.
    for wrong in (VAULT_KEY + " ", CODES[0].replace("-", "")):
        does_not_open(owner().vault, wrong)
    # The client opens it while it is made, too.
    assert client(setting("KLUIS_OWNER_KEY"), vault_key=VAULT_KEY).vault.unlocked is not None


@step("vault/keys")
def keys_are_listed():
    keys = owner().vault.list_keys()
    assert [key.key_type for key in keys] == ["primary"] + 4 * ["recovery"], keys
    assert len({key.id for key in keys}) == 5, keys
    assert len(owner().vault.list_keys(key_type="recovery")) == 4
    assert [key.id for key in owner().vault.list_keys(key_type="PRIMARY")] == [keys[0].id]


@step("vault/others")
def others_have_their_own():
    assert stranger().vault.info() is None, "another organization's vault"
    member = client(setting("KLUIS_MEMBER_KEY"))
    assert member.whoami().organization_id == owner().whoami().organization_id
    assert member.vault.info().key_count == 1
    refused(403, member.vault.unlock, VAULT_KEY)
    refused(403, member.vault.list_secrets)
    refused(403, member.vault.list_keys)
    refused(403, member.list_identities)
