//! The cells of Kluis, and the vaults that they need.

use anyhow::Result;
use serde_json::json;

use super::access::{Access, Callers};
use super::policies::policy_reads;
use super::reference::{INSERT, LIST, READ_MANY, READ_ONE, STATIC};
use super::sealed::sealed_cells;
use super::unlock::unlocks;
use super::{Cell, Target, read_key, write_key};
use crate::client::Exchange;
use crate::kluis::{Kluis, secret_get, secret_post};
use crate::load::Work;
use crate::sample::{value_marker, value_of};

/// Fills Kluis with vaults, secrets, members and policies, and returns the cells that ask for them.
pub(crate) async fn kluis_cells(kluis: &Kluis) -> Result<Vec<Cell>> {
    let callers = Callers::create(kluis).await?;
    let health = Exchange::get("/healthz", &kluis.owner(), "");
    let mut cells = vec![Cell::kluis(
        "health check",
        STATIC,
        None,
        Work::Pick(vec![health]),
    )];
    cells.extend(reads(kluis, &callers).await?);
    cells.extend(policy_reads(kluis).await?);
    cells.extend(lists(kluis, &callers).await?);
    cells.extend(posts(kluis, &callers).await?);
    cells.push(patch(kluis).await?);
    cells.extend(sealed_cells(kluis).await?);
    cells.extend(unlocks(kluis).await?);
    Ok(cells)
}

/// Reads of one secret, always the same or of many by turns.
async fn reads(kluis: &Kluis, callers: &Callers) -> Result<Vec<Cell>> {
    let floor = Target::OfReference(2.0);
    let mut cells = Vec::new();
    for (access, one, many, target_one, target_many) in [
        (
            Access::Owner,
            "read, 1 key, no policies",
            "read, 10,000 keys, no policies",
            floor,
            floor,
        ),
        (
            Access::OnePolicy,
            READ_ONE_MEMBER,
            READ_MANY_MEMBER,
            floor,
            floor,
        ),
        (
            Access::Crowded,
            "read, 1 key, 1,000 policies",
            "read, 10,000 keys, 1,000 policies",
            Target::Of(READ_ONE_MEMBER, 1.5),
            Target::Of(READ_MANY_MEMBER, 1.5),
        ),
    ] {
        let vault = kluis.vault_create(one).await?;
        let authorization = callers.admit(kluis, &vault, access).await?;
        let secrets = kluis.secrets_create(&vault, KEYS, read_key).await?;
        let gets: Vec<Exchange> = (0..)
            .zip(&secrets)
            .map(|(number, id)| secret_get(&vault, &authorization, id, &read_key(number)))
            .collect();
        let first = gets.first().cloned().into_iter().collect();
        cells.push(Cell::kluis(
            one,
            READ_ONE,
            Some(target_one),
            Work::Pick(first),
        ));
        cells.push(Cell::kluis(
            many,
            READ_MANY,
            Some(target_many),
            Work::Pick(gets),
        ));
    }
    Ok(cells)
}

/// Lists of a vault's secrets with their values.
async fn lists(kluis: &Kluis, callers: &Callers) -> Result<Vec<Cell>> {
    let mut cells = Vec::new();
    for (access, name, target) in [
        (
            Access::Owner,
            "list of 100, no policies",
            Some(Target::Micros(400.0)),
        ),
        (Access::Crowded, "list of 100, 1,000 policies", None),
    ] {
        let vault = kluis.vault_create(name).await?;
        let authorization = callers.admit(kluis, &vault, access).await?;
        kluis.secrets_create(&vault, LISTED, read_key).await?;
        let marker = value_marker(&read_key(LISTED - 1));
        let list = Exchange::get(
            &format!("/api/v1/vaults/{vault}/secrets"),
            &authorization,
            &marker,
        );
        cells.push(Cell::kluis(name, LIST, target, Work::Pick(vec![list])));
    }
    Ok(cells)
}

/// Durable writes of new secrets.
async fn posts(kluis: &Kluis, callers: &Callers) -> Result<Vec<Cell>> {
    let mut cells = Vec::new();
    for (access, name, target) in [
        (
            Access::Owner,
            "durable write, POST, no policies",
            Some(WRITE_TARGET),
        ),
        (Access::Crowded, "durable write, POST, 1,000 policies", None),
    ] {
        let vault = kluis.vault_create(name).await?;
        let authorization = callers.admit(kluis, &vault, access).await?;
        let post = move |number| secret_post(&vault, &authorization, &write_key(number));
        cells.push(Cell::kluis(
            name,
            INSERT,
            target,
            Work::Make(Box::new(post)),
        ));
    }
    Ok(cells)
}

/// Durable writes of new values, each a new version of one of a thousand secrets.
async fn patch(kluis: &Kluis) -> Result<Cell> {
    let name = "durable write, PATCH, no policies";
    let vault = kluis.vault_create(name).await?;
    let secrets = kluis.secrets_create(&vault, PATCHED_KEYS, read_key).await?;
    let paths: Vec<String> = secrets
        .iter()
        .map(|id| format!("/api/v1/vaults/{vault}/secrets/{id}"))
        .collect();
    let owner = kluis.owner();
    let patch = move |number| {
        let key = write_key(number);
        let path = usize::try_from(number % PATCHED_KEYS)
            .ok()
            .and_then(|place| paths.get(place));
        let body = json!({ "value": value_of(&key) }).to_string();
        Exchange::send(
            "PATCH",
            path.map_or("/", String::as_str),
            &owner,
            &body,
            200,
            &value_marker(&key),
        )
    };
    Ok(Cell::kluis(
        name,
        INSERT,
        Some(WRITE_TARGET),
        Work::Make(Box::new(patch)),
    ))
}

/// Secrets in each vault that is read from, as many as the reference has rows.
const KEYS: u64 = crate::reference::ROWS as u64;

/// Secrets in each vault that is listed.
const LISTED: u64 = crate::reference::LISTED as u64;

/// Secrets that the PATCH requests go round.
const PATCHED_KEYS: u64 = 1000;

const WRITE_TARGET: Target = Target::OfReference(3.0);

const READ_ONE_MEMBER: &str = "read, 1 key, 1 policy";
const READ_MANY_MEMBER: &str = "read, 10,000 keys, 1 policy";
