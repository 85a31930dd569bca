//! What is not sealed: a name that stands for another secret than before is not followed; and what does not open.

use super::hostile::Lie;
use super::server::Server;
use super::zk;
use crate::cli::Ended;

/// DESIGN §7: a refusal leaves stdout empty, and nothing is changed.
#[test]
fn a_swapped_name_is_told_each_time_and_not_followed_until_an_id_is_said() {
    let server = Server::start("org_fixture_0001");
    let state = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str], stdin: &str| -> Ended {
        zk(&server.base, "ibk_test", state.path(), arguments, stdin)
    };
    run(&["init"], "").well();
    let first = run(&["add", "aa", "--type", "login"], "1").well().stdout;
    let second = run(&["add", "bb", "--type", "login"], "2").well().stdout;
    server.tell(Lie::SwappedNames);
    for command in ["list", "unlock", "list"] {
        run(&[command], "")
            .well()
            .told(&["was called 'aa'", "was called 'bb'"]);
    }
    for arguments in [
        &["get", "aa"][..],
        &["totp", "aa"],
        &["grant", "aa", "build-agent"],
        &["revoke", "aa", "build-agent"],
        &["edit", "aa", "--name", "x"],
        &["edit", "aa", "--ask", "password"],
        &["delete", "aa", "--yes"],
    ] {
        let moved = format!(
            "'aa' is another secret than before: it was {first}, and the server says it is {second} now"
        );
        let ended = run(arguments, "3").failed(10);
        ended.told(&[&moved, &format!("say its id: {second}")]);
    }
    let sent = server.requests();
    assert!(sent.iter().all(|sent| sent.starts_with("GET")), "{sent:?}");

    // Its id says that it is right, of this secret and for good.
    assert_eq!(run(&["get", &second], "").well().stdout, "2");
    assert_eq!(run(&["get", "aa"], "").well().stdout, "2");
    run(&["get", "bb"], "").failed(10);
    // What is done from here is known without that.
    run(&["edit", &first, "--name", "cc"], "").well();
    server.tell(Lie::None);
    assert_eq!(run(&["get", "cc"], "").well().stdout, "1");
    run(&["edit", "cc", "--name", "dd", "--ask", "password"], "3").well();
    assert_eq!(run(&["get", "dd"], "").well().stdout, "3");
}

#[test]
fn what_never_opened_can_be_deleted_and_what_did_is_not_to_be() {
    let server = Server::start("org_fixture_0001");
    let [here, elsewhere] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let run = |state: &tempfile::TempDir, arguments: &[&str]| {
        zk(&server.base, "ibk_test", state.path(), arguments, "value")
    };
    run(&here, &["init"]).well();
    for name in ["aa", "bb"] {
        run(&here, &["add", name]).well();
    }
    for lie in [Lie::AlteredPayload, Lie::CutPayload, Lie::NoBase64Payload] {
        server.tell(lie);
        run(&elsewhere, &["unlock"])
            .failed(10)
            .told(&["if another client wrote it so, kluis zk delete "]);
        run(&here, &["unlock"])
            .failed(10)
            .told(&["trust nothing there"])
            .silent("kluis zk delete");
    }
}
