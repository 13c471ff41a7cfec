//! "choice, edits", row by row.

use super::super::*;
use super::adds;
use super::{Plan, applied, notes, pairs, read, reset, with_minimum};

use TlsVersion::{Tls10, Tls11, Tls12, Tls13};

fn edit(name: &str, new: &str) -> PairEdit {
    PairEdit {
        name: name.to_owned(),
        new: Some(new.to_owned()),
    }
}

fn delete(name: &str) -> PairEdit {
    PairEdit {
        name: name.to_owned(),
        new: None,
    }
}

fn choose(of: &[(&str, &str)], choice: Choice) -> Plan {
    with_minimum()
        .choose(Direction::Inbound, &pairs(of), choice, false)
        .unwrap()
}

fn list(value: &str, minimum: TlsVersion, server_has_tls13: bool) -> Plan {
    Catalogue::embedded()
        .choose(
            Direction::Inbound,
            &pairs(&[("ServerTlsProtocols", value)]),
            Choice::At(minimum),
            server_has_tls13,
        )
        .unwrap()
}

#[test]
fn a_list_loses_the_words_below_and_keeps_the_others_as_they_are() {
    for (old, minimum, new) in [
        ("TLSv1,TLSv1.1,TLSv1.2", Tls12, "TLSv1.2"),
        ("TLSv1, TLSv1.1, TLSv1.2, TLSv1.3", Tls12, "TLSv1.2, TLSv1.3"),
        ("TLSv1.2;TLSv1.1;TLSv1", Tls11, "TLSv1.2;TLSv1.1"),
        ("tlsv1:tlsv1.1:tlsv1.2", Tls11, "tlsv1.1:tlsv1.2"),
        ("TLSv1+TLSv1.1+TLSv1.2", Tls11, "TLSv1.1+TLSv1.2"),
        ("TLSv1.3 TLSv1 TLSv1.2 TLSv1.1", Tls11, "TLSv1.3 TLSv1.2 TLSv1.1"),
        (
            "\n  TLSv1,\n  TLSv1.1,\n  TLSv1.2\n",
            Tls11,
            "\n  TLSv1.1,\n  TLSv1.2\n",
        ),
        ("TLSv1,  TLSv1.1 ; TLSv1.2:TLSv1.3", Tls11, "TLSv1.1 ; TLSv1.2:TLSv1.3"),
        ("SSLv2,SSLv3,TLSv1,TLSv1.1,TLSv1.2", Tls10, "TLSv1,TLSv1.1,TLSv1.2"),
    ] {
        assert_eq!(
            list(old, minimum, false).edits,
            [edit("ServerTlsProtocols", new)],
            "{old:?}"
        );
    }
}

#[test]
fn a_list_gets_the_missing_words_up_to_1_2_in_its_own_manner() {
    for (old, minimum, new) in [
        ("TLSv1.2", Tls10, "TLSv1,TLSv1.1,TLSv1.2"),
        ("TLSv1.2; TLSv1.3", Tls11, "TLSv1.1; TLSv1.2; TLSv1.3"),
        ("TLSv1.3 TLSv1.2", Tls10, "TLSv1.3 TLSv1.2 TLSv1.1 TLSv1"),
        ("tlsv1.2 tlsv1.3", Tls11, "tlsv1.1 tlsv1.2 tlsv1.3"),
        ("TLSV1.2", Tls11, "TLSV1.1,TLSV1.2"),
        ("TLSv1,TLSv1.2", Tls10, "TLSv1,TLSv1.1,TLSv1.2"),
        ("TLSv1,TLSv1.1", Tls10, "TLSv1,TLSv1.1,TLSv1.2"),
        ("TLSv1.3", Tls12, "TLSv1.2,TLSv1.3"),
    ] {
        assert_eq!(
            list(old, minimum, false).edits,
            [edit("ServerTlsProtocols", new)],
            "{old:?}"
        );
    }
}

#[test]
fn nothing_of_a_strange_list_stays_that_would_turn_the_sense() {
    for old in ["++1", "TLSv1.2 ++x", "+,+TLSv1", "TLSv1 ++ +TLSv1.1"] {
        let [PairEdit { new: Some(new), .. }] = &list(old, Tls11, false).edits[..] else {
            panic!("{old:?}")
        };
        assert_eq!(new, "TLSv1.1,TLSv1.2", "{old:?}");
    }
    let toml = "[[variable]]\ndirection = 'inbound'\nrole = 'protocol-list'\nname = 'X'\nseparator = ' -'\n";
    let c = Catalogue::embedded().with_overrides(toml).unwrap();
    let plan = c.choose(Direction::Inbound, &[], Choice::At(Tls11), false).unwrap();
    assert_eq!(plan.edits, [edit("X", "TLSv1.1,TLSv1.2")]);
}

#[test]
fn a_custom_list_is_replaced_and_the_review_says_why() {
    let plan = list("all, -SSLv3, TLSv1.2", Tls12, false);
    assert_eq!(plan.edits, [edit("ServerTlsProtocols", "TLSv1.2")]);
    assert!(
        matches!(&plan.notes[0], PlanNote::ReplacesCustom { why } if why.contains("all")),
        "{:?}",
        plan.notes
    );
    assert!(plan.notes.contains(&PlanNote::SwitchesOffTls13 {
        name: "ServerTlsProtocols".to_owned()
    }));
}

#[test]
fn a_list_is_never_emptied() {
    for old in ["TLSv1", "TLSv1,TLSv1.1", "SSLv3", "bogus", "!TLSv1.3", ",", "TLSv1.2"] {
        for minimum in TlsVersion::MINIMUMS {
            let old = pairs(&[("ServerTlsProtocols", old)]);
            let c = Catalogue::embedded();
            let plan = c.choose(Direction::Inbound, &old, Choice::At(minimum), false).unwrap();
            let after = applied(&old, &plan);
            assert_eq!(
                read(&c, Direction::Inbound, &after).minimum,
                Minimum::At(minimum),
                "{old:?} -> {after:?}"
            );
        }
    }
}

#[test]
fn tls13_as_a_minimum_leaves_the_list_that_word_alone() {
    let plan = list("TLSv1.1,TLSv1.2", Tls13, false);
    assert_eq!(plan.edits, [edit("ServerTlsProtocols", "TLSv1.3")]);
    assert_eq!(
        plan.notes,
        [PlanNote::Tls13NeverSeen {
            name: "ServerTlsProtocols".to_owned()
        }]
    );
    assert_eq!(list("TLSv1.1,TLSv1.2", Tls13, true).notes, []);
    assert_eq!(list("TLSv1.2,TLSv1.3", Tls13, false).notes, []);
}

#[test]
fn tls13_is_added_only_where_it_has_been_seen() {
    assert_eq!(
        list("TLSv1.1,TLSv1.2", Tls12, false).edits,
        [edit("ServerTlsProtocols", "TLSv1.2")]
    );
    assert_eq!(
        list("TLSv1.1,TLSv1.2", Tls12, true).edits,
        [edit("ServerTlsProtocols", "TLSv1.2,TLSv1.3")]
    );
    let other = pairs(&[("ClientTlsProtocols", "TLSv1.2 TLSv1.3")]);
    let mine = pairs(&[("ServerTlsProtocols", "TLSv1.1,TLSv1.2")]);
    let c = Catalogue::embedded();
    let plan = c
        .choose_in_file(Direction::Inbound, &mine, &other, Choice::At(Tls12), false)
        .unwrap();
    assert_eq!(plan.edits, [edit("ServerTlsProtocols", "TLSv1.2,TLSv1.3")]);
}

#[test]
fn a_new_list_is_written_the_way_the_other_direction_writes_its_own() {
    let c = Catalogue::embedded();
    let other = pairs(&[("ClientTlsProtocols", "TLSv1.1; TLSv1.2")]);
    let plan = c
        .choose_in_file(Direction::Inbound, &[], &other, Choice::At(Tls11), false)
        .unwrap();
    assert_eq!(plan.edits, [edit("ServerTlsProtocols", "TLSv1.1; TLSv1.2")]);
}

#[test]
fn a_minimum_variable_is_edited_and_no_list_is_added() {
    let plan = choose(&[("mintlsversion", " tlsv1 ")], Choice::At(Tls12));
    assert_eq!(plan.edits, [edit("mintlsversion", " tlsv1.2 ")]);
    assert_eq!(plan.notes, []);
    assert_eq!(
        choose(&[("MinTlsVersion", "3")], Choice::At(Tls12)).edits,
        [edit("MinTlsVersion", "TLSv1.2")]
    );
}

#[test]
fn a_list_and_a_minimum_variable_are_edited_both_in_file_order() {
    let plan = choose(
        &[("MinTlsVersion", "TLSv1"), ("ServerTlsProtocols", "TLSv1.1,TLSv1.2")],
        Choice::At(Tls12),
    );
    assert_eq!(
        plan.edits,
        [edit("MinTlsVersion", "TLSv1.2"), edit("ServerTlsProtocols", "TLSv1.2")]
    );
}

#[test]
fn with_neither_a_documented_minimum_variable_is_written() {
    let plan = choose(&[("Other", "1")], Choice::At(Tls12));
    assert_eq!(plan.edits, [edit("MinTlsVersion", "TLSv1.2")]);
    assert_eq!(plan.notes, [adds("MinTlsVersion", Certainty::Given)]);
}

#[test]
fn with_neither_and_no_documented_minimum_variable_a_list_is_written() {
    let c = Catalogue::embedded();
    let name = || "ClientTlsProtocols".to_owned();
    for (minimum, seen, new) in [
        (Tls10, false, "TLSv1,TLSv1.1,TLSv1.2"),
        (Tls11, true, "TLSv1.1,TLSv1.2,TLSv1.3"),
        (Tls12, false, "TLSv1.2"),
        (Tls12, true, "TLSv1.2,TLSv1.3"),
        (Tls13, false, "TLSv1.3"),
    ] {
        let plan = c.choose(Direction::Outbound, &[], Choice::At(minimum), seen).unwrap();
        assert_eq!(plan.edits, [edit("ClientTlsProtocols", new)]);
        let mut notes = vec![adds(&name(), Certainty::Assumed)];
        if !new.contains("1.3") {
            notes.push(PlanNote::SwitchesOffTls13 { name: name() });
        }
        if minimum == Tls13 {
            notes.push(PlanNote::Tls13NeverSeen { name: name() });
        }
        if minimum < Tls12 {
            notes.push(PlanNote::LegacyNeedsSecurityLevel);
        }
        assert_eq!(plan.notes, notes, "{minimum}");
    }
}

#[test]
fn an_empty_variable_of_the_file_is_filled_rather_than_another_added() {
    let plan = choose(&[("SERVERTLSPROTOCOLS", "")], Choice::At(Tls12));
    assert_eq!(plan.edits, [edit("SERVERTLSPROTOCOLS", "TLSv1.2")]);
    assert_eq!(
        plan.notes,
        [PlanNote::SwitchesOffTls13 {
            name: "SERVERTLSPROTOCOLS".to_owned()
        }]
    );
}

#[test]
fn blanks_that_hold_no_word_are_no_part_of_the_new_list() {
    for blank in [" ", "\n", "\t ", " , "] {
        for plan in [
            list(blank, Tls12, false),
            choose(&[("MinTlsVersion", blank)], Choice::At(Tls12)),
        ] {
            assert_eq!(plan.edits[0].new.as_deref(), Some("TLSv1.2"), "{blank:?}");
        }
    }
}

#[test]
fn default_deletes_list_and_minimum_and_nothing_else() {
    let plan = choose(
        &[
            ("ServerTlsCiphers", "HIGH"),
            ("ServerTlsProtocols", "TLSv1.2"),
            ("Else", "TLSv1.2"),
            ("MinTlsVersion", ""),
            ("DisableEphemeralDH", "1"),
        ],
        Choice::Default,
    );
    assert_eq!(plan.edits, [delete("ServerTlsProtocols"), delete("MinTlsVersion")]);
}

#[test]
fn reset_deletes_every_variable_with_a_role_and_nothing_else() {
    let of = pairs(&[
        ("ServerTlsCiphers", "HIGH"),
        ("Else", "TLSv1.2"),
        ("servertlsprotocols", ""),
        ("MinTlsVersion", "TLSv1.2"),
        ("DisableEphemeralDH", "1"),
        ("ClientTlsProtocols", "TLSv1.2"),
        ("Mine", "TLSv1.2"),
    ]);
    let c = with_minimum().confirm(Direction::Inbound, "Mine", Role::ProtocolList);
    let plan = reset(&c, Direction::Inbound, &of).unwrap();
    let names: Vec<&str> = plan.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "ServerTlsCiphers",
            "servertlsprotocols",
            "MinTlsVersion",
            "DisableEphemeralDH",
            "Mine"
        ]
    );
    assert!(plan.iter().all(|e| e.new.is_none()));
    assert_eq!(
        notes(
            &c,
            Direction::Inbound,
            [&of, &[]],
            [&super::made(&of, &plan), &[]],
            false
        ),
        []
    );
}

#[test]
fn what_is_loaded_already_comes_to_no_edit() {
    for (of, choice) in [
        (vec![], Choice::Default),
        (vec![("ServerTlsProtocols", "")], Choice::Default),
        (vec![("ServerTlsProtocols", "TLSv1.2 ,TLSv1.3,")], Choice::At(Tls12)),
        (vec![("MinTlsVersion", "TLSv1.0")], Choice::At(Tls10)),
    ] {
        for seen in [false, true] {
            let plan = with_minimum()
                .choose(Direction::Inbound, &pairs(&of), choice, seen)
                .unwrap();
            assert_eq!(plan, Plan::default(), "{of:?}");
        }
    }
}

#[test]
fn a_name_that_stands_twice_is_refused_with_its_count() {
    let of = pairs(&[
        ("ServerTlsProtocols", "TLSv1.2"),
        ("Servertlsprotocols", "TLSv1.2"),
        ("DisableEphemeralDH", "1"),
    ]);
    let c = Catalogue::embedded();
    let error = PlanError::Duplicate {
        table: "Security",
        name: "ServerTlsProtocols".to_owned(),
        count: 2,
    };
    for choice in CHOICES {
        assert_eq!(c.choose(Direction::Inbound, &of, choice, false), Err(error.clone()));
    }
    assert_eq!(reset(&c, Direction::Inbound, &of), Err(error));
    // A duplicate that plays no part in the minimum is in nobody's way until a reset.
    let of = pairs(&[("DisableEphemeralDH", "1"), ("DisableEphemeralDH", "0")]);
    assert!(c.choose(Direction::Inbound, &of, Choice::At(Tls12), false).is_ok());
    assert!(reset(&c, Direction::Inbound, &of).is_err());
}

#[test]
fn adding_beside_a_lookalike_is_said() {
    let plan = Catalogue::embedded()
        .choose(
            Direction::Inbound,
            &pairs(&[("SslProtos", "TLSv1.1 TLSv1.2")]),
            Choice::At(Tls12),
            false,
        )
        .unwrap();
    assert!(plan.notes.contains(&PlanNote::LeavesLookalikes {
        names: vec!["SslProtos".to_owned()]
    }));
}

#[test]
fn a_lookalike_that_the_user_named_is_used_and_no_other_name_is_written() {
    let of = pairs(&[("SslProtos", "TLSv1.1 TLSv1.2")]);
    let c = Catalogue::embedded().confirm(Direction::Inbound, "sslprotos", Role::ProtocolList);
    let reading = read(&c, Direction::Inbound, &of);
    assert_eq!((reading.minimum, reading.lookalikes), (Minimum::At(Tls11), vec![]));
    let plan = c.choose(Direction::Inbound, &of, Choice::At(Tls12), false).unwrap();
    assert_eq!(
        plan,
        Plan {
            edits: vec![edit("SslProtos", "TLSv1.2")],
            notes: vec![]
        }
    );
}

#[test]
fn a_cipher_string_at_security_level_0_needs_no_word_about_it() {
    let with = |ciphers: &str| {
        choose(
            &[("ServerTlsProtocols", "TLSv1.2"), ("servertlsciphers", ciphers)],
            Choice::At(Tls11),
        )
        .notes
    };
    assert_eq!(with("DEFAULT:@seclevel=0"), []);
    assert_eq!(with("DEFAULT"), [PlanNote::LegacyNeedsSecurityLevel]);
}

#[test]
fn without_any_name_a_choice_says_where_to_name_one() {
    let mut c = Catalogue::embedded();
    for row in &mut c.rows {
        row.name = None;
    }
    let error = c
        .choose(Direction::Outbound, &[], Choice::At(Tls12), false)
        .unwrap_err();
    assert_eq!(error, PlanError::NoName { table: "SmtpSecurity" });
    assert!(error.to_string().contains("name it in kerio-tls.toml"));
}

#[test]
fn what_the_engines_openssl_cannot_do_is_not_warned_of() {
    for (line, tls13, level) in [
        (None, true, true),
        (Some("OpenSSL 1.0.2zg"), false, false),
        (Some("OpenSSL 1.1.0l"), false, false),
        (Some("OpenSSL 1.1.1w"), true, false),
        (Some("OpenSSL 3.0.13"), true, true),
        (Some("OpenSSL of our own"), true, true),
    ] {
        let c = Catalogue::embedded().with_openssl(line.map(str::to_owned));
        let plan = c.choose(Direction::Outbound, &[], Choice::At(Tls10), false).unwrap();
        let off = plan
            .notes
            .iter()
            .any(|note| matches!(note, PlanNote::SwitchesOffTls13 { .. }));
        let needs = plan.notes.contains(&PlanNote::LegacyNeedsSecurityLevel);
        assert_eq!((off, needs), (tls13, level), "{line:?}");
    }
}

#[test]
fn every_note_is_a_sentence_that_names_its_variable() {
    let name = || "Na\u{1b}me".to_owned();
    for note in [
        adds(&name(), Certainty::Assumed),
        adds(&name(), Certainty::NotInEngine),
        adds(&name(), Certainty::Given),
        PlanNote::SwitchesOffTls13 { name: name() },
        PlanNote::Tls13NeverSeen { name: name() },
        PlanNote::LeavesLookalikes { names: vec![name(); 9] },
    ] {
        let words = note.to_string();
        assert!(
            words.contains("Na\\x1bme") && words.ends_with('.') && !words.contains("  "),
            "{words}"
        );
    }
    assert!(adds(&name(), Certainty::Assumed).to_string().contains("assumed"));
}
