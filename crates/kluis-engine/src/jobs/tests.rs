//! Jobs are run once by whoever is there, go on where they stopped, and are seen by whom they concern.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use tempfile::TempDir;

use super::running::{Ended, Running, Step};
use super::*;
use crate::engine::Settings;
use crate::error::Unavailable;
use crate::seal::UnsealInput;
use crate::store::Storage;
use crate::testing::{Home, on_both, postgres_database};
use crate::vaults::{DEFAULT_NAME, NewVault};

/// What a job of a test is asked.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Do {
    Fail,
    Panic,
    /// Until it is told to end.
    RunOn,
    Succeed,
    /// Comes back an hour later, and succeeds then.
    Twice,
    /// Cannot be served the first time.
    Unserved,
}

#[derive(Serialize, Deserialize)]
struct Parts {
    done: u32,
}

pub(super) async fn run(engine: &Engine, job: &mut Running) -> Result<Step, Ended> {
    let done = job.state::<Parts>()?.map_or(0, |parts| parts.done);
    job.keep(engine, &Parts { done: done + 1 }).await?;
    match job.payload::<Do>()? {
        Do::Fail => Err(Ended::failed("The server said no.")),
        Do::Panic => panic!("a defect"),
        Do::RunOn => loop {
            job.progress(engine, 50).await?;
            tokio::time::sleep(Duration::from_millis(5)).await;
        },
        Do::Twice if done == 0 => Ok(Step::Again(engine.clock().now().after(HOUR))),
        Do::Unserved if done == 0 => Err(Error::Unavailable(Unavailable::Sealed).into()),
        Do::Succeed | Do::Twice | Do::Unserved => Step::done(&Parts { done: done + 1 }),
    }
}

const HOUR: Duration = Duration::from_hours(1);

async fn make(home: &Home, caller: &Caller, what: Do, vault: Option<VaultId>) -> Job {
    let engine = home.engine.clone();
    let made = home
        .engine
        .change(caller, Action::VaultCreate, move |tx, act| {
            Box::pin(async move {
                let new = NewJob::new(JobKind::Test, &what)?;
                let new = match vault {
                    Some(vault) => new.about(vault),
                    None => new.at(act.now),
                };
                engine.job_create(tx, act, new).await
            })
        });
    made.await.unwrap()
}

/// The job, when it is as `is` says.
async fn when(home: &Home, id: JobId, is: impl Fn(&Job) -> bool) -> Job {
    for _ in 0..1_000 {
        let job = home.engine.job_read(&home.owner, id).await.unwrap();
        if is(&job) {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the job never was so");
}

async fn ended(home: &Home, id: JobId) -> Job {
    when(home, id, |job| job.finished_at.is_some()).await
}

on_both!(
    a_job_ends_as_its_work_does,
    a_cancelled_job_ends_whether_it_waits_or_runs,
    a_job_goes_on_at_its_time_from_where_it_stopped,
    a_job_is_seen_by_whom_it_concerns,
);

async fn a_job_ends_as_its_work_does(home: Home) {
    let job = make(&home, &home.owner, Do::Succeed, None).await;
    assert_eq!((job.status, job.progress), (JobStatus::Queued, 0));
    let job = ended(&home, job.id).await;
    assert_eq!((job.status, job.progress), (JobStatus::Succeeded, 100));
    assert_eq!(job.result.as_deref(), Some(r#"{"done":1}"#));
    let job = make(&home, &home.owner, Do::Fail, None).await;
    let job = ended(&home, job.id).await;
    assert_eq!(job.status, JobStatus::Failed);
    assert_eq!(job.error.as_deref(), Some("The server said no."));
    assert_eq!(job.result, None);
}

async fn a_cancelled_job_ends_whether_it_waits_or_runs(home: Home) {
    let job = make(&home, &home.owner, Do::RunOn, None).await;
    let running = when(&home, job.id, |job| job.progress == 50).await;
    assert_eq!(running.status, JobStatus::Running);
    let told = home.engine.job_cancel(&home.owner, job.id).await.unwrap();
    assert_eq!(told.status, JobStatus::Running);
    let job = ended(&home, job.id).await;
    assert_eq!(job.status, JobStatus::Failed);
    assert_eq!(job.error.as_deref(), Some(CANCELLED));
    let again = home.engine.job_cancel(&home.owner, job.id).await;
    assert!(matches!(again, Err(Error::Conflict(Conflict::State))));

    let job = make(&home, &home.owner, Do::Twice, None).await;
    when(&home, job.id, |job| {
        job.status == JobStatus::Queued && job.updated_at > job.created_at
    })
    .await;
    let job = home.engine.job_cancel(&home.owner, job.id).await.unwrap();
    assert_eq!(
        (job.status, job.error.as_deref()),
        (JobStatus::Failed, Some(CANCELLED))
    );
}

async fn a_job_goes_on_at_its_time_from_where_it_stopped(home: Home) {
    let later = make(&home, &home.owner, Do::Twice, None).await;
    let unserved = make(&home, &home.owner, Do::Unserved, None).await;
    for job in [&later, &unserved] {
        when(&home, job.id, |job| {
            job.status == JobStatus::Queued && job.updated_at > job.created_at
        })
        .await;
    }
    home.clock.advance(HOUR);
    for job in [later, unserved] {
        let job = ended(&home, job.id).await;
        assert_eq!(job.result.as_deref(), Some(r#"{"done":2}"#));
    }
}

/// A second engine on the same database.
async fn another_node(home: &Home, url: String) -> (Engine, TempDir) {
    let directory = TempDir::new().unwrap();
    let mut settings = Settings::in_directory(directory.path());
    settings.storage = Storage::Postgres(url);
    let engine = Engine::open(settings, home.clock.clone()).await.unwrap();
    let key_file = UnsealInput::KeyFile(home.key_file());
    engine.unseal(key_file).await.unwrap();
    (engine, directory)
}

/// However the clock jumps, a node takes no job that it has, and so does no other.
#[tokio::test]
async fn two_nodes_run_a_job_once_and_take_up_what_the_other_left() {
    let Some(url) = postgres_database().await else {
        return;
    };
    let one = Home::with(|settings| settings.storage = Storage::Postgres(url.clone())).await;
    let other = another_node(&one, url).await;
    let mut jobs = Vec::new();
    for _ in 0..20 {
        jobs.push(make(&one, &one.owner, Do::Succeed, None).await.id);
    }
    for id in jobs {
        // Each was begun once: the state says how often.
        assert_eq!(
            ended(&one, id).await.result.as_deref(),
            Some(r#"{"done":1}"#)
        );
    }
    // A job that stops its node is taken up five times, here by either node.
    let job = make(&one, &one.owner, Do::Panic, None).await;
    for _ in 0..6 {
        let before = one
            .engine
            .job_read(&one.owner, job.id)
            .await
            .unwrap()
            .updated_at;
        one.clock.advance(Duration::from_secs(61));
        when(&one, job.id, |job| {
            job.updated_at > before || job.finished_at.is_some()
        })
        .await;
    }
    let job = ended(&one, job.id).await;
    assert_eq!(job.error.as_deref(), Some("It was interrupted too often."));
    drop(other);
}

async fn a_job_is_seen_by_whom_it_concerns(home: Home) {
    let (_, member) = home.user("member@kluis.local", Role::Member).await;
    let (_, viewer) = home.user("viewer@kluis.local", Role::Viewer).await;
    let (_, admin) = home.user("admin@kluis.local", Role::Admin).await;
    let new = NewVault {
        name: "private".to_owned(),
        description: String::new(),
    };
    let vault = home.engine.vault_create(&home.owner, new).await.unwrap().id;
    let vaults = home.engine.vault_list(&home.owner).await.unwrap();
    let default = vaults.iter().find(|vault| vault.name == DEFAULT_NAME);
    let default = default.unwrap().id;
    let plain = make(&home, &home.owner, Do::RunOn, None).await.id;
    let shared = make(&home, &home.owner, Do::RunOn, Some(default)).await.id;
    let private = make(&home, &home.owner, Do::RunOn, Some(vault)).await.id;
    let own = make(&home, &member, Do::RunOn, None).await.id;
    for (caller, sees) in [
        (&home.owner, vec![plain, shared, private, own]),
        (&admin, vec![plain, shared, private, own]),
        (&member, vec![shared, own]),
        (&viewer, vec![shared, private]),
    ] {
        let listed = home.engine.job_list(caller).await.unwrap();
        let ids: Vec<_> = listed.iter().map(|job| job.id).collect();
        assert_eq!(ids, sees, "{:?}", caller.role());
        for id in [plain, shared, private, own] {
            let read = home.engine.job_read(caller, id).await;
            assert_eq!(read.is_ok(), sees.contains(&id));
        }
    }
    let cancelled = home.engine.job_cancel(&member, plain).await;
    assert!(matches!(cancelled, Err(Error::Hidden)));
    let cancelled = home.engine.job_cancel(&member, shared).await;
    assert!(matches!(cancelled, Err(Error::Forbidden)));
    let cancelled = home.engine.job_cancel(&viewer, shared).await;
    assert!(matches!(cancelled, Err(Error::Forbidden)));
    home.engine.job_cancel(&member, own).await.unwrap();
    for id in [plain, shared, private] {
        home.engine.job_cancel(&admin, id).await.unwrap();
        ended(&home, id).await;
    }
}
