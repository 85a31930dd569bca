//! Versions of secrets, and what values are made of (RULES §4).

use kluis_engine::{Error, Expect, Form, Secret, SecretWrite, Value, Which};

use super::ground::{Ground, at, exposed, text};
use crate::harness::on_both;

on_both! {
    async fn a_new_value_makes_a_version_and_nothing_else_does(ground: Ground) {
        ground.write("p", "one").await;
        let mut notes = SecretWrite::new("text", Expect::Present);
        notes.notes = Some(Secret::from_text("a note".to_owned()));
        notes.kind = Some("credential".to_owned());
        notes.tags = Some(vec!["b".to_owned(), "a".to_owned()]);
        let noted = ground.engine.secret_write(&ground.owner, ground.vault, at("p"), notes).await.unwrap();
        assert_eq!(noted.info.newest_version, 1);
        let two = ground.write("p", "two").await;
        assert_eq!(two.info.newest_version, 2);
        let read = ground.read("p").await.unwrap();
        assert_eq!(text(&read), "two");
        assert_eq!(exposed(&read.notes.unwrap()), "a note");
        assert_eq!(read.info.kind, "credential");
        assert_eq!(read.info.tags, ["b", "a"]);
        assert_eq!(text(&ground.read_version("p", Which::Number(1)).await.unwrap()), "one");
    }

    async fn named_fields_keep_their_order_and_a_text_that_looks_like_them_stays_a_text(ground: Ground) {
        let fields = r#"{"user":"app","password":"s3 \" é","host":""}"#;
        for (path, form) in [("fields", Form::Fields), ("text", Form::Text)] {
            let state = |write: &mut SecretWrite| {
                write.value = Some(Value {
                    text: Secret::from_text(fields.to_owned()),
                    form,
                });
            };
            ground.write_with(path, "", state).await.unwrap();
            let read = ground.read(path).await.unwrap();
            assert_eq!(read.value.form, form);
            assert_eq!(text(&read), fields);
        }
    }

    async fn a_write_that_expects_a_version_fails_when_another_is_newest(ground: Ground) {
        ground.write("p", "one").await;
        ground.write("p", "two").await;
        let expect = |expect| move |write: &mut SecretWrite| write.expect = expect;
        let stale = ground.write_with("p", "three", expect(Expect::Version(1))).await;
        assert!(matches!(stale, Err(Error::Conflict(kluis_engine::Conflict::Version))));
        let taken = ground.write_with("p", "three", expect(Expect::Absent)).await;
        assert!(matches!(taken, Err(Error::Conflict(kluis_engine::Conflict::Exists))));
        let absent = ground.write_with("q", "three", expect(Expect::Present)).await;
        assert!(matches!(absent, Err(Error::NotFound)));
        let three = ground.write_with("p", "three", expect(Expect::Version(2))).await.unwrap();
        assert_eq!(three.info.newest_version, 3);
    }

    async fn only_the_newest_versions_are_kept_when_a_number_is_set(ground: Ground) {
        let mut ground = ground;
        ground.write("p", "v1").await;
        let settings = kluis_engine::Settings {
            keep_versions: Some(3),
            ..ground.settings.clone()
        };
        ground.reopen(settings).await;
        for number in 2..=6 {
            ground.write("p", &format!("v{number}")).await;
        }
        let (info, versions) = ground
            .engine
            .secret_version_list(&ground.owner, ground.vault, &at("p"))
            .await
            .unwrap();
        let numbers: Vec<_> = versions.iter().map(|version| version.number).collect();
        assert_eq!(numbers, [6, 5, 4]);
        assert_eq!(info.newest_version, 6);
        for number in 4..=6 {
            let read = ground.read_version("p", Which::Number(number)).await.unwrap();
            assert_eq!(text(&read), format!("v{number}"));
        }
        assert!(matches!(ground.read_version("p", Which::Number(3)).await, Err(Error::NotFound)));
    }
}
