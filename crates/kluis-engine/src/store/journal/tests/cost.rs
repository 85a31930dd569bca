//! What the journal costs: a measurement, run by hand.

use super::*;

/// What a read's event costs: the append on the serving thread, the carry on the writer's. In CPU time of the thread,
/// with a database on disk: `cargo test --release -p kluis-engine -- --ignored --nocapture cost_of_an_event`.
#[test]
#[ignore = "a measurement"]
fn cost_of_an_event() {
    const EVENTS: u32 = 200_000;
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("kluis.db");
    let connection = sqlite::connect(&file, sqlite::Use::Write).unwrap();
    let mut rig = Rig::on(connection, SEGMENT_BYTES);
    let details = r#"{"vault_id":"0193a1b2-0000-7000-8000-000000000001","path":"db/main/password","version":3,"api":"cloudkeep","request_id":"0193a1b2-0000-7000-8000-000000000002"}"#;
    let events: Vec<Event> = (0..EVENTS)
        .map(|number| {
            let at = Timestamp::from_millis(NOW.millis() + i64::from(number / 20));
            Event {
                id: EventId::generate(at).unwrap(),
                at,
                resource: Some([number.to_le_bytes()[0]; 16]),
                actor: Some([number.to_le_bytes()[0] & 3; 16]),
                ..event(details)
            }
        })
        .collect();
    let started = cpu_nanos();
    for event in &events {
        rig.journal.append(event).unwrap();
    }
    let appended = cpu_nanos();
    rig.carry_all();
    let carried = cpu_nanos();
    let each = |nanos: u64| nanos as f64 / f64::from(EVENTS) / 1_000.0;
    println!(
        "append {:.2} us, carry {:.2} us",
        each(appended - started),
        each(carried - appended)
    );
    println!(
        "{} bytes an event",
        file.metadata().unwrap().len() / u64::from(EVENTS)
    );
}

fn cpu_nanos() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse().unwrap()
}
