"""What this server leaves out: each such call of `oneclaw` has to fail with a reason, and nothing else may happen."""

import inspect

from harness import owner, refused, step

# Agent hosting, blockchains, payments, federation, approvals and other policy engines.
# Not `webhooks`: under that path another API has its own.
RESOURCES = """
    approvals automations billing bindings cards cedar_policies chains channels connectors contract_abis discovery
    memory oauth_connect opa_policies pending_approvals platform portfolio runtimes signing_keys sub_orgs treasury
    treasury_wallets
""".split()

# And what else of that kind the resources have that are in it.
CALLS = """
    agents.add_smart_account agents.create_automation agents.create_child agents.create_delegation
    agents.create_router_key agents.create_tool_binding agents.delete_tool_binding agents.deprecate_eoa_account
    agents.get_delegation agents.get_effective_delegations agents.get_safe_module_registry agents.get_transaction
    agents.import_smart_account agents.lease_bankr_key agents.list_accounts agents.list_bankr_keys
    agents.list_children agents.list_delegations agents.list_router_keys agents.list_tool_bindings
    agents.list_transactions agents.migrate_to_safe agents.provision_account agents.replay_guardrails
    agents.revoke_bankr_key agents.revoke_delegation agents.revoke_router_key agents.rotate_identity_keys
    agents.sign_intent agents.sign_transaction agents.simulate_bundle agents.simulate_transaction
    agents.spend_from_passkey_safe agents.submit_transaction agents.sync_org_safe_allowances agents.update_delegation
    auth.export_data auth.federated_token auth.forgot_password auth.get_human_factor_auth auth.reset_password
    auth.send_email_otp auth.set_human_factor_auth auth.social_login auth.verify_email_otp
    org.apply_chart org.delete_bankr_config org.diff_chart org.get_bankr_config org.get_guardrail_shadow_report
    org.get_onboarding_status org.get_policy_backend_settings org.get_policy_shadow_report org.invite
    org.list_guardrail_revisions org.members org.provision_onboarding org.remove_member org.set_bankr_config
    org.settings org.update_member_role org.update_policy_backend_settings org.update_setting
    risk.get_verdict risk.list_events risk.list_verdicts
    vaults.disable_cmek vaults.enable_cmek vaults.enable_mpc vaults.get_rotation_job_status vaults.rotate_cmek
""".split()


def outside():
    """Each call by name, as `resource.method`."""
    for name in RESOURCES:
        for method, _ in inspect.getmembers(getattr(owner(), name), inspect.ismethod):
            if not method.startswith("_"):
                yield f"{name}.{method}"
    yield from CALLS


def call(name):
    """Call it with any word for each argument that it needs."""
    resource, method = name.split(".")
    function = getattr(getattr(owner(), resource), method)
    needed = [one for one in inspect.signature(function).parameters.values() if one.default is one.empty]
    by_kind = {True: [], False: []}
    for one in needed:
        if one.kind is not one.VAR_KEYWORD:
            by_kind[one.kind is one.KEYWORD_ONLY].append(one.name)
    return function(*["x" for _ in by_kind[False]], **{key: "x" for key in by_kind[True]})


@step("outside/refused")
def nothing_outside_does_anything():
    count = 0
    for name in outside():
        try:
            # 401 where the client leaves its token out: such a route is not open here.
            refused(call(name), 401, 403, 404, 405)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
        count += 1
    assert count > 250, f"only {count} calls were found"
