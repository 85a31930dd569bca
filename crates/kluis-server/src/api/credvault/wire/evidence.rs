//! What an insight rests on, as it is told (contract B6).

use kluis_engine::{Evidence, InsightKind, Timestamp, UnusualHour};
use serde_json::{Value, json};

use crate::api::ids::prefixed;

/// What is so, in a sentence without names: they are somebody's words.
pub(super) fn summary(kind: InsightKind, evidence: Option<&Evidence>) -> String {
    let Some(evidence) = evidence else {
        return match kind {
            InsightKind::WeakSecret => "Its value can be guessed.",
            _ => "It deserves a look.",
        }
        .to_owned();
    };
    match evidence {
        Evidence::Anomaly {
            hour: Some(_),
            addresses,
            ..
        } if addresses.is_empty() => {
            "More was read in an hour than in the same hour of other weeks.".to_owned()
        }
        Evidence::Anomaly { hour: Some(_), .. } => {
            "More was read than in other weeks, and from a new address.".to_owned()
        }
        Evidence::Anomaly { hour: None, .. } => "Something was read from a new address.".to_owned(),
        Evidence::Expiring { days_left: 0, .. } => "It expires today, or has expired.".to_owned(),
        Evidence::Expiring { days_left, .. } => format!("It expires in {days_left} days."),
        Evidence::Key {
            unused,
            unscoped: true,
            days,
            ..
        } => {
            let unused = unused.len();
            format!(
                "It may all that its user may, and used none of {unused} scopes in {days} days."
            )
        }
        Evidence::Key { unused, days, .. } => {
            let unused = unused.len();
            format!("It used none of {unused} of its scopes in {days} days.")
        }
        Evidence::Reused { count, .. } => format!("{count} records have the same secret."),
        Evidence::Stale { age_days, .. } => {
            format!("Its value has not changed for {age_days} days.")
        }
        Evidence::Unused { idle_days, .. } => format!("Nobody has read it for {idle_days} days."),
        Evidence::Weak { bits_below, .. } => {
            format!("Its value can be guessed: it has less than {bits_below} bits.")
        }
    }
}

/// The same in members, with units in their names.
pub(super) fn shown(evidence: &Evidence) -> Value {
    let at = |millis: i64| Timestamp::from_millis(millis).rfc3339_seconds();
    match evidence {
        Evidence::Anomaly {
            hour,
            addresses,
            address_count,
        } => json!({
            "hour": hour.as_ref().map(unusual),
            "new_addresses": addresses,
            "new_address_count": address_count,
        }),
        Evidence::Expiring {
            expires_at,
            days_left,
            bound_days,
        } => json!({
            "expires_at": at(*expires_at),
            "days_left": days_left,
            "bound_days": bound_days,
        }),
        Evidence::Key {
            used,
            unused,
            unscoped,
            days,
        } => json!({
            "used_scopes": used,
            "unused_scopes": unused,
            "unscoped": unscoped,
            "days": days,
        }),
        Evidence::Reused { others, count } => {
            let others = others.iter().map(|id| prefixed("resource_", id.as_bytes()));
            json!({"record_count": count, "other_record_ids": others.collect::<Vec<_>>()})
        }
        Evidence::Stale {
            age_days,
            bound_days,
            rotated,
        } => json!({
            "age_days": age_days,
            "bound_days": bound_days,
            "bound_by": if *rotated { "rotation_interval" } else { "usual" },
        }),
        Evidence::Unused {
            idle_days,
            bound_days,
            last_read_at,
        } => json!({
            "idle_days": idle_days,
            "bound_days": bound_days,
            "last_read_at": last_read_at.map(at),
        }),
        Evidence::Weak {
            member,
            judged_as,
            bits_from,
            bits_below,
            bound_bits,
        } => json!({
            "member": member,
            "judged_as": judged_as.as_str(),
            "entropy_bits_from": bits_from,
            "entropy_bits_below": bits_below,
            "bound_bits": bound_bits,
        }),
    }
}

fn unusual(hour: &UnusualHour) -> Value {
    json!({
        "at": Timestamp::from_millis(hour.at).rfc3339_seconds(),
        "reads": hour.reads,
        "median_reads": hour.median,
        "weeks": hour.weeks,
        "robust_z": hour.robust_z,
        "bound_z": hour.bound_z,
    })
}
