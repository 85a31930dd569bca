//! The journal loses nothing that was acknowledged and carries nothing twice, wherever a process ends.

use std::io::Seek;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use proptest::prelude::*;
use tempfile::TempDir;

use super::super::writer::ready;
use super::super::{Conn, migrate};
use super::*;
use crate::audit::{Chain, ChainSigner, Outcome};
use crate::clock::Timestamp;
use crate::ids::{EventId, OrganizationId};

mod cost;

/// A journal, and the database that it is carried into the way the writer does it.
struct Rig {
    directory: TempDir,
    conn: Conn,
    chain: Chain,
    journal: Journal,
    position: Position,
}

/// Where the process ends while it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Crash {
    Nowhere,
    BeforeCommit,
    AfterCommit,
}

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const SMALL: u64 = 2 << 10;

impl Rig {
    fn new(segment_bytes: u64) -> Self {
        Self::on(Connection::open_in_memory().unwrap(), segment_bytes)
    }

    fn on(mut connection: Connection, segment_bytes: u64) -> Self {
        let directory = TempDir::new().unwrap();
        migrate::sqlite(&mut connection).unwrap();
        let (journal, position) =
            Journal::open(directory.path(), &connection, segment_bytes).unwrap();
        Self {
            directory,
            conn: Conn::Sqlite(connection),
            chain: Chain::new(ChainSigner::default()),
            journal,
            position,
        }
    }

    fn connection(&self) -> &Connection {
        match &self.conn {
            Conn::Sqlite(connection) => connection,
            Conn::Closed | Conn::Postgres(_) => unreachable!(),
        }
    }

    /// The process ended and another one begins.
    fn reopen(&mut self) {
        let (directory, bytes) = (self.directory.path(), self.journal.segment_bytes);
        let (journal, position) = Journal::open(directory, self.connection(), bytes).unwrap();
        self.chain = Chain::new(ChainSigner::default());
        self.journal = journal;
        self.position = position;
    }

    fn append(&self, details: &str) -> EventId {
        let event = event(details);
        self.journal.append(&event).unwrap();
        event.id
    }

    /// Carry one portion; whether something was there.
    fn carry(&mut self, crash: Crash) -> bool {
        let Some(portion) = self.journal.next(self.position).unwrap() else {
            return false;
        };
        let Self { conn, chain, .. } = self;
        batch(conn, "BEGIN");
        ready(async {
            for entry in portion.entries() {
                let (entry, bytes) = entry.unwrap();
                chain.append(conn, &entry, bytes, NOW).await.unwrap();
            }
            chain.keep_heads(conn, NOW).await.unwrap();
        })
        .unwrap();
        portion.position.keep(self.connection()).unwrap();
        if crash == Crash::BeforeCommit {
            batch(&self.conn, "ROLLBACK");
            self.reopen();
            return true;
        }
        batch(&self.conn, "COMMIT");
        if crash == Crash::AfterCommit {
            self.reopen();
            return true;
        }
        let before = std::mem::replace(&mut self.position, portion.position);
        self.journal.forget(before, self.position);
        true
    }

    fn carry_all(&mut self) {
        while self.carry(Crash::Nowhere) {}
    }

    /// The ids in the event table, in the order of the chain.
    fn carried(&self) -> Vec<EventId> {
        let mut statement = self
            .connection()
            .prepare("SELECT id FROM event ORDER BY seq")
            .unwrap();
        let ids = statement.query_map([], |row| row.get::<_, [u8; 16]>(0));
        ids.unwrap()
            .map(|id| EventId::from_bytes(id.unwrap()))
            .collect()
    }

    fn files(&self) -> Vec<PathBuf> {
        let numbers = segments(self.directory.path()).unwrap();
        let path = |number| path(self.directory.path(), number);
        numbers.into_iter().map(path).collect()
    }

    /// The segment that is being written.
    fn active(&self) -> PathBuf {
        self.files().pop().unwrap()
    }
}

fn batch(conn: &Conn, sql: &str) {
    match conn {
        Conn::Sqlite(connection) => connection.execute_batch(sql).unwrap(),
        Conn::Closed | Conn::Postgres(_) => unreachable!(),
    }
}

fn event(details: &str) -> Event {
    Event {
        id: EventId::generate(NOW).unwrap(),
        organization: OrganizationId::from_bytes([7; 16]),
        at: NOW,
        actor_type: "user".to_owned(),
        actor: Some([1; 16]),
        credential: Some([2; 16]),
        action: "secret.read".to_owned(),
        resource_type: "secret".to_owned(),
        resource: Some([3; 16]),
        outcome: Outcome::Success,
        details: details.to_owned(),
        address: "192.0.2.7".to_owned(),
        count: 1,
    }
}

#[test]
fn the_directory_and_its_files_are_private() {
    let rig = Rig::new(SMALL);
    rig.append("{}");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&rig.active()), 0o600);
    let inner = rig.directory.path().join("made");
    Journal::open(&inner, rig.connection(), SMALL).unwrap();
    assert_eq!(mode(&inner), 0o700);
}

#[test]
fn a_full_segment_is_followed_and_a_carried_one_removed() {
    let mut rig = Rig::new(SMALL);
    let mut ids = Vec::new();
    for _ in 0..50 {
        // Something is always appended behind what is carried, as under a steady load.
        ids.extend((0..3).map(|_| rig.append(r#"{"path":"a/b"}"#)));
        rig.carry(Crash::Nowhere);
        let size: u64 = rig
            .files()
            .iter()
            .map(|file| file.metadata().unwrap().len())
            .sum();
        assert!(rig.files().len() <= 2 && size < 3 * SMALL, "{size}");
    }
    rig.carry_all();
    assert_eq!(rig.carried(), ids);
    assert!(!rig.journal.has_news());
}

#[test]
fn an_event_can_be_larger_than_a_portion() {
    let mut rig = Rig::new(SEGMENT_BYTES);
    let large = "x".repeat(3 << 20);
    let ids = [rig.append("{}"), rig.append(&large), rig.append("{}")];
    rig.carry_all();
    assert_eq!(rig.carried(), ids);
}

#[test]
fn a_torn_tail_hides_nothing_before_or_after_it() {
    let mut rig = Rig::new(SMALL);
    let first = rig.append("{}");
    let whole = std::fs::read(rig.active()).unwrap();
    for cut in [1, LENGTH_BYTES, LENGTH_BYTES + 1, whole.len() - 1] {
        let mut file = OpenOptions::new().append(true).open(rig.active()).unwrap();
        file.write_all(&whole[..cut]).unwrap();
        rig.reopen();
        rig.append("{}");
    }
    rig.carry_all();
    assert_eq!(rig.carried().len(), 5);
    assert_eq!(rig.carried()[0], first);
    assert_eq!(rig.files().len(), 1, "what was torn is gone");
}

#[test]
fn a_damaged_record_does_not_hide_later_ones() {
    let mut rig = Rig::new(SEGMENT_BYTES);
    let first = rig.append("{}");
    let start = rig.active().metadata().unwrap().len();
    rig.append("{}");
    let last = rig.append("{}");
    let mut file = OpenOptions::new().write(true).open(rig.active()).unwrap();
    file.seek(io::SeekFrom::Start(start + 40)).unwrap();
    file.write_all(&[0xff]).unwrap();
    rig.carry_all();
    assert_eq!(rig.carried(), [first, last]);
}

/// A power loss can take back what the disk had not kept, although the commit that carried it is there.
#[test]
fn a_journal_shorter_than_the_kept_position_goes_on_behind_it() {
    let mut rig = Rig::new(SEGMENT_BYTES);
    let carried: Vec<_> = (0..10).map(|_| rig.append("{}")).collect();
    rig.carry_all();
    let file = OpenOptions::new().write(true).open(rig.active()).unwrap();
    file.set_len(150).unwrap();
    rig.reopen();
    let later: Vec<_> = (0..3).map(|_| rig.append("{}")).collect();
    rig.reopen();
    rig.carry_all();
    assert_eq!(rig.carried(), [carried, later].concat());
}

#[test]
fn a_kept_position_without_its_files_begins_anew() {
    let mut rig = Rig::new(SMALL);
    rig.append("{}");
    rig.carry_all();
    for file in rig.files() {
        std::fs::remove_file(file).unwrap();
    }
    rig.reopen();
    let id = rig.append("{}");
    rig.carry_all();
    assert_eq!(rig.carried()[1..], [id]);
}

#[test]
fn what_is_stored_already_keeps_its_place() {
    let mut rig = Rig::new(SMALL);
    let ids = [rig.append("{}"), rig.append("{}")];
    let copy = std::fs::read(rig.active()).unwrap();
    rig.carry_all();
    std::fs::OpenOptions::new()
        .append(true)
        .open(rig.active())
        .unwrap()
        .write_all(&copy)
        .unwrap();
    rig.reopen();
    let last = rig.append("{}");
    rig.carry_all();
    assert_eq!(rig.carried(), [ids[0], ids[1], last]);
    let last: i64 = rig
        .connection()
        .query_row("SELECT MAX(seq) FROM event", [], |row| row.get(0))
        .unwrap();
    assert_eq!(last, 3, "no gap in the chain");
}

/// The disk becomes full in the middle of a record (NT-67): the append is refused, and nothing is torn for good.
///
/// Runs itself again as a child whose files cannot grow beyond a limit, with the limit's signal ignored.
#[test]
fn a_full_disk_refuses_the_append_and_keeps_the_rest() {
    const CHILD: &str = "KLUIS_TEST_JOURNAL";
    if let Ok(directory) = std::env::var(CHILD) {
        fill(Path::new(&directory));
        return;
    }
    let mut rig = Rig::new(SEGMENT_BYTES);
    let name = std::thread::current().name().unwrap().to_owned();
    let child = Command::new("sh")
        .args([
            "-c",
            r#"trap "" XFSZ; ulimit -f 16; exec "$0" --exact "$1""#,
        ])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env(CHILD, rig.directory.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{child:?}");
    let acknowledged = std::fs::read(rig.directory.path().join("acknowledged")).unwrap();
    let acknowledged: Vec<EventId> = acknowledged
        .as_chunks::<16>()
        .0
        .iter()
        .map(|id| EventId::from_bytes(*id))
        .collect();
    assert!(acknowledged.len() > 10);
    let present: u64 = rig
        .files()
        .iter()
        .map(|file| file.metadata().unwrap().len())
        .sum();
    let mut record = Vec::new();
    event("{}").entry().encode(&mut record);
    let whole = acknowledged.len() * (LENGTH_BYTES + record.len() + 8);
    assert_eq!(present, whole as u64, "no half record stays behind");
    rig.reopen();
    let later = rig.append("{}");
    rig.carry_all();
    assert_eq!(rig.carried(), [acknowledged, vec![later]].concat());
}

fn fill(directory: &Path) {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate::sqlite(&mut connection).unwrap();
    let (journal, _) = Journal::open(directory, &connection, SEGMENT_BYTES).unwrap();
    let mut acknowledged = Vec::new();
    let mut refused = 0;
    while refused < 3 {
        let event = event("{}");
        match journal.append(&event) {
            Ok(()) => acknowledged.extend(event.id.bytes()),
            Err(_) => refused += 1,
        }
    }
    std::fs::write(directory.join("acknowledged"), acknowledged).unwrap();
}

#[test]
fn a_torn_append_that_cannot_be_taken_back_stops_the_journal() {
    let mut segment = Segment {
        number: 1,
        file: OpenOptions::new().write(true).open("/dev/full").unwrap(),
        length: 0,
        torn: false,
    };
    let refused = segment.append(b"record").unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
    assert!(segment.torn, "a device cannot be cut");
    assert!(segment.append(b"record").is_err());
}

#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    Carry(Crash),
    Reopen,
    TornReopen(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let crash = prop_oneof![
        4 => Just(Crash::Nowhere),
        1 => Just(Crash::BeforeCommit),
        1 => Just(Crash::AfterCommit),
    ];
    let step = prop_oneof![
        8 => (0_usize..700).prop_map(Step::Append),
        4 => crash.prop_map(Step::Carry),
        1 => Just(Step::Reopen),
        1 => any::<prop::sample::Index>().prop_map(Step::TornReopen),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_happens_each_event_is_carried_once_and_in_order(steps in steps()) {
        let mut rig = Rig::new(SMALL);
        let mut appended = Vec::new();
        for step in steps {
            match step {
                Step::Append(size) => appended.push(rig.append(&"x".repeat(size))),
                Step::Carry(crash) => {
                    rig.carry(crash);
                }
                Step::Reopen => rig.reopen(),
                Step::TornReopen(cut) => {
                    let mut record = vec![200, 0, 0, 0];
                    record.resize(210, 1);
                    let torn = &record[..cut.index(record.len())];
                    let mut file = OpenOptions::new().append(true).open(rig.active()).unwrap();
                    file.write_all(torn).unwrap();
                    rig.reopen();
                }
            }
            prop_assert!(appended.starts_with(&rig.carried()));
        }
        rig.carry_all();
        prop_assert_eq!(rig.carried(), appended);
        prop_assert!(rig.files().len() <= 2);
    }
}
