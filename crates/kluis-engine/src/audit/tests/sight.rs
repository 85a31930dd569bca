//! Who sees what of the record (RULES §2), and what can be asked for.

use std::sync::Arc;

use super::*;
use crate::action::{Scope, ScopeNeed};
use crate::caller::Agent;
use crate::error::Error;
use crate::ids::AgentId;
use crate::testing::on_both;

on_both!(
    each_role_sees_its_own_part,
    a_scoped_key_needs_its_scope,
    another_organization_sees_nothing,
    filters_find_what_they_name,
);

async fn each_role_sees_its_own_part(home: Home) {
    let (_, admin) = home.user("admin@kluis.local", Role::Admin).await;
    let (_, member) = home.user("member@kluis.local", Role::Member).await;
    let (_, viewer) = home.user("viewer@kluis.local", Role::Viewer).await;
    let agent = agent(&home);
    let made = vault(&home, &member, "made").await;
    let other = vault(&home, &home.owner, "other").await;
    // The owner works in both; so does the member, who is refused in one.
    for vault in [made, other] {
        home.engine.vault_read(&home.owner, vault).await.unwrap();
    }
    home.engine.vault_read(&member, made).await.unwrap();
    assert!(home.engine.vault_read(&member, other).await.is_err());
    assert!(home.engine.vault_read(&agent, other).await.is_err());
    home.engine.vault_list(&viewer).await.unwrap();

    let views = of_action("vault.view");
    let seen = |entries: Vec<AuditEntry>| {
        let mut seen: Vec<_> = entries
            .iter()
            .map(|entry| {
                (
                    entry.actor.unwrap(),
                    entry.details.contains(&made.to_string()),
                )
            })
            .collect();
        seen.sort_unstable();
        seen
    };
    let sorted = |mut expected: Vec<([u8; 16], bool)>| {
        expected.sort_unstable();
        expected
    };
    let (owner_id, member_id, agent_id) = (me(&home.owner), me(&member), me(&agent));
    let everything = sorted(vec![
        (owner_id, true),
        (owner_id, false),
        (member_id, true),
        (member_id, false),
        (agent_id, false),
    ]);
    assert_eq!(
        seen(list(&home, &home.owner, views.clone()).await),
        everything
    );
    assert_eq!(seen(list(&home, &admin, views.clone()).await), everything);
    let members = sorted(vec![
        (owner_id, true),
        (member_id, true),
        (member_id, false),
    ]);
    assert_eq!(seen(list(&home, &member, views.clone()).await), members);
    assert_eq!(seen(list(&home, &viewer, views.clone()).await), []);
    assert_eq!(
        seen(list(&home, &agent, views.clone()).await),
        [(agent_id, false)]
    );
    let own = list(&home, &viewer, all()).await;
    assert!(own.len() >= 2 && own.iter().all(|entry| entry.actor == Some(me(&viewer))));

    // Asking for another actor shows no more.
    let owners = AuditFilter {
        actor: Some(owner_id),
        ..views
    };
    assert_eq!(
        seen(list(&home, &member, owners.clone()).await),
        [(owner_id, true)]
    );
    assert_eq!(seen(list(&home, &viewer, owners.clone()).await), []);
    assert_eq!(seen(list(&home, &agent, owners).await), []);

    // A vault that was taken over is its maker's no longer.
    home.engine
        .vault_take_over(&home.owner, made)
        .await
        .unwrap();
    let left = seen(list(&home, &member, of_action("vault.view")).await);
    assert_eq!(left, sorted(vec![(member_id, true), (member_id, false)]));

    for caller in [&member, &viewer, &agent] {
        let refused = home
            .engine
            .audit_verify(caller, AuditRange::default())
            .await;
        assert!(matches!(refused, Err(Error::Forbidden)));
        let refused = home
            .engine
            .audit_export(caller, AuditRange::default())
            .await;
        assert!(matches!(refused, Err(Error::Forbidden)));
    }
}

async fn a_scoped_key_needs_its_scope(home: Home) {
    let (_, token) = home.key(&home.owner, Some(&[Scope::DatabaseRead])).await;
    let reader = home.caller(&token).await.unwrap();
    let refused = home.engine.audit_list(&reader, all()).await;
    assert!(matches!(refused, Err(Error::Forbidden)));
    let (_, token) = home.key(&home.owner, Some(&[Scope::LogsRead])).await;
    let logs = home.caller(&token).await.unwrap();
    assert!(logs.within_scopes(ScopeNeed::OneOf(&[Scope::LogsRead])));
    assert!(!list(&home, &logs, all()).await.is_empty());
}

async fn another_organization_sees_nothing(home: Home) {
    let stranger = Caller {
        organization: OrganizationId::from_bytes([77; 16]),
        ..home.owner.clone()
    };
    record(&home, event(&home, "secret.read")).await;
    assert!(list(&home, &stranger, all()).await.is_empty());
    let checked = home
        .engine
        .audit_verify(&stranger, AuditRange::default())
        .await
        .unwrap();
    assert_eq!(
        (checked.chain_valid, checked.events_checked),
        (true, 1),
        "its own listing"
    );
}

async fn filters_find_what_they_name(home: Home) {
    let made = vault(&home, &home.owner, "made").await;
    let odd = "50%_of!the/\"quoted\"\\path";
    for path in ["a/b", "A/B", "a/bc", odd] {
        let details = serde_json::json!({ "vault_id": made.to_string(), "path": path });
        let of = Event {
            details: details.to_string(),
            ..event(&home, "secret.read")
        };
        record(&home, of).await;
    }
    // A path that spells the members of the details.
    let spoof = format!(r#"x","vault_id":"{made}"#);
    let other = Event {
        details: serde_json::json!({ "path": spoof }).to_string(),
        resource: None,
        ..event(&home, "secret.read")
    };
    record(&home, other).await;

    let paths = async |resource| {
        let filter = AuditFilter {
            resource: Some(resource),
            ..of_action("secret.read")
        };
        let entries = list(&home, &home.owner, filter).await;
        let path = |entry: &AuditEntry| {
            let details: serde_json::Value = serde_json::from_str(&entry.details).unwrap();
            details["path"].as_str().unwrap().to_owned()
        };
        entries.iter().map(path).collect::<Vec<_>>()
    };
    assert_eq!(paths(ResourceFilter::Path("a/b".to_owned())).await, ["a/b"]);
    assert_eq!(paths(ResourceFilter::Path(odd.to_owned())).await, [odd]);
    assert_eq!(paths(ResourceFilter::Path("a/".to_owned())).await, [""; 0]);
    let newest_first = [odd, "a/bc", "A/B", "a/b"];
    assert_eq!(paths(ResourceFilter::Id(*made.bytes())).await, newest_first);
    assert_eq!(paths(ResourceFilter::Id([8; 16])).await, newest_first);
    assert_eq!(paths(ResourceFilter::Id([5; 16])).await, [""; 0]);
    let unknown = list(&home, &home.owner, of_action("secret.rea")).await;
    assert!(unknown.is_empty());
    let nobody = AuditFilter {
        actor: Some([5; 16]),
        ..all()
    };
    assert!(list(&home, &home.owner, nobody).await.is_empty());
}

fn agent(home: &Home) -> Caller {
    let agent = Agent {
        id: AgentId::generate(home.clock.now()).unwrap(),
        registered_by: None,
        vaults: Vec::new(),
        path_scopes: Vec::new(),
        intents_api_enabled: false,
        environment: None,
    };
    Caller {
        principal: Principal::Agent(Arc::new(agent)),
        ..home.owner.clone()
    }
}
