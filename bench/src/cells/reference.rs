//! The cells of the reference server.

use serde_json::json;

use super::{Cell, write_key};
use crate::client::Exchange;
use crate::load::Work;
use crate::reference::{LISTED, ROWS, row_key};
use crate::sample::{value_marker, value_of};

/// The reference's cells, asked with the given token.
pub(crate) fn reference_cells(token: &str) -> Vec<Cell> {
    let authorization = format!("Bearer {token}");
    let read = |id| {
        Exchange::get(
            &format!("/read/{id}"),
            &authorization,
            &value_marker(&row_key(id)),
        )
    };
    let first = ROWS / 2;
    let list = |count| {
        Exchange::get(
            &format!("/list/{first}/{count}"),
            &authorization,
            &value_marker(&row_key(first + count - 1)),
        )
    };
    let writer = authorization.clone();
    let insert = move |number| {
        let key = write_key(number);
        let body = json!({ "key": key, "value": value_of(&key) }).to_string();
        Exchange::send(
            "POST",
            "/write",
            &writer,
            &body,
            201,
            &format!("\"key\":\"{key}\""),
        )
    };
    vec![
        Cell::reference(
            STATIC,
            Work::Pick(vec![Exchange::get("/static", &authorization, "static")]),
        ),
        Cell::reference(READ_ONE, Work::Pick(vec![read(first)])),
        Cell::reference(READ_MANY, Work::Pick((1..=ROWS).map(read).collect())),
        Cell::reference(LIST_TEN, Work::Pick(vec![list(10)])),
        Cell::reference(LIST, Work::Pick(vec![list(LISTED)])),
        Cell::reference(INSERT, Work::Make(Box::new(insert))),
    ]
}

pub(super) const STATIC: &str = "reference: static JSON";
pub(super) const READ_ONE: &str = "reference: read, 1 row";
pub(super) const READ_MANY: &str = "reference: read, 10,000 rows";
pub(super) const LIST_TEN: &str = "reference: list of 10";
pub(super) const LIST: &str = "reference: list of 100";
pub(super) const INSERT: &str = "reference: durable insert";
