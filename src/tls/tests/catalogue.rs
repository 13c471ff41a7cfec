//! The catalogue as shipped, and with the preferences over it.

use super::super::*;

#[test]
fn the_shipped_catalogue_reads_and_has_every_role_in_both_directions() {
    let rows = toml::shipped(include_str!("../../../assets/catalogue.toml")).unwrap();
    assert_eq!(rows.len(), 14);
    let c = Catalogue::embedded();
    for direction in Direction::ALL {
        let roles: Vec<Role> = c.rows(direction).map(|r| r.role).collect();
        assert_eq!(roles, Role::ALL);
        for row in c.rows(direction) {
            for text in [&row.title, &row.help, &row.source, &row.versions] {
                assert!(
                    !text.trim().is_empty() && !text.contains('\n') && !text.contains("  "),
                    "{text:?}"
                );
            }
            assert!(row.title.chars().count() <= 40, "{}", row.title);
        }
    }
}

#[test]
fn only_what_the_vendor_prints_counts_as_documented() {
    let c = Catalogue::embedded();
    let sure: Vec<&str> = c
        .rows(Direction::Inbound)
        .filter(|r| r.name_sure >= Certainty::Documented)
        .filter_map(|r| r.name.as_deref())
        .collect();
    assert_eq!(sure, ["DisableEphemeralDH"]);
}

#[test]
fn no_name_of_a_variable_stands_in_the_code() {
    let c = Catalogue::embedded();
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tls");
    let mut files = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "rs") {
            continue;
        }
        files += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
        for line in code {
            for name in c.rows.iter().filter_map(|r| r.name.as_deref()) {
                assert!(!line.contains(name), "{}: {line}", path.display());
            }
        }
    }
    assert!(files > 5);
}

#[test]
fn preferences_can_name_a_role_and_add_a_name_beside_another() {
    let toml = "
[engine]
stop = ['/bin/true']

[[variable]]
direction = 'both'
role = 'minimum-version'
name = 'TlsFloor'

[[variable]]
direction = 'inbound'
role = 'protocol-list'
name = 'ServerProtos'
separator = ' '
title = 'Ours'

[[variable]]
direction = 'outbound'
role = 'protocol-list'
name = 'clientTLSprotocols'
";
    let c = Catalogue::embedded().with_overrides(toml).unwrap();
    for direction in Direction::ALL {
        let row = c.find(direction, "TLSFLOOR").unwrap();
        assert_eq!((row.role, row.name_sure), (Role::MinimumVersion, Certainty::Given));
        assert!(row.help.contains("oldest version"), "what the catalogue says stays");
        assert_eq!(row.source, "You named it in kerio-tls.toml.");
    }
    let lists: Vec<_> = c
        .rows(Direction::Inbound)
        .filter(|r| r.role == Role::ProtocolList)
        .collect();
    assert_eq!(lists.len(), 2);
    assert_eq!(
        (lists[0].name.as_deref(), lists[0].separator.as_str()),
        (Some("ServerProtos"), " ")
    );
    assert_eq!(lists[1].name_sure, Certainty::Assumed);
    let written = c.written_for(Direction::Inbound, Role::ProtocolList).unwrap();
    assert_eq!(written.title, "Ours");
    // The same name in other letters is the same row, now confirmed.
    assert_eq!(
        c.rows(Direction::Outbound)
            .filter(|r| r.role == Role::ProtocolList)
            .count(),
        1
    );
    assert_eq!(
        c.find(Direction::Outbound, "ClientTlsProtocols").unwrap().name_sure,
        Certainty::Given
    );
}

#[test]
fn preferences_without_variables_change_nothing() {
    let c = Catalogue::embedded()
        .with_overrides("# nothing\n[screen]\ncolour = 'never'\n")
        .unwrap();
    assert_eq!(c.rows, Catalogue::embedded().rows);
}

#[test]
fn an_error_in_the_preferences_has_its_line_and_column() {
    for (toml, starts, says) in [
        (
            "[[variable]]\ndirection = 'inbound'\nrole = 'nonsense'\nname = 'X'\n",
            "line 3, column 8: ",
            "nonsense",
        ),
        (
            "[[variable]]\ndirection = 'up'\nrole = 'ciphers'\nname = 'X'\n",
            "line 2, column 13: ",
            "inbound",
        ),
        (
            "[[variable]]\ndirection = 'both'\nrole = 'ciphers'\nname = 'a b'\n",
            "line 4, column 8: ",
            "no blanks",
        ),
        (
            "[[variable]]\ndirection = 'both'\nrole = 'ciphers'\n",
            "line 1, column 1: ",
            "missing field `name`",
        ),
        (
            "\n[[variable]]\ndirection = 'both'\nrole = 'ciphers'\nname = 'X'\ncolor = 1\n",
            "line 6, column 1: ",
            "color",
        ),
        ("a = 'ä' b = 2\n", "line 1, column 9: ", ""),
        ("variable = 3\n", "line 1, column 12: ", ""),
    ] {
        let error = Catalogue::embedded().with_overrides(toml).unwrap_err().to_string();
        assert!(error.starts_with(starts) && error.contains(says), "{toml:?}: {error}");
        assert!(!error.contains('\n'), "{error:?}");
    }
}

#[test]
fn what_confirm_does_lasts_through_its_toml() {
    let toml = confirmed_toml(Direction::Outbound, "Sonder\"bar", Role::ProtocolList);
    let lasting = Catalogue::embedded().with_overrides(&toml).unwrap();
    let now = Catalogue::embedded().confirm(Direction::Outbound, "Sonder\"bar", Role::ProtocolList);
    assert_eq!(lasting.rows, now.rows);
    assert!(
        toml.starts_with("[[variable]]\ndirection = \"outbound\"\nrole = \"protocol-list\"\n"),
        "{toml}"
    );
}

#[test]
fn the_users_word_takes_a_name_out_of_the_role_that_was_assumed() {
    let c = Catalogue::embedded().confirm(Direction::Inbound, "ServerTlsProtocols", Role::MinimumVersion);
    let row = c.find(Direction::Inbound, "ServerTlsProtocols").unwrap();
    assert_eq!((row.role, row.name_sure), (Role::MinimumVersion, Certainty::Given));
    assert_eq!(c.find(Direction::Outbound, "ServerTlsProtocols"), None);
}

#[test]
fn tokens_read_back() {
    for role in Role::ALL {
        assert_eq!(Role::from_token(&role.token().to_uppercase()), Some(role));
    }
    for choice in CHOICES {
        assert_eq!(Choice::from_token(choice.token()), Some(choice));
    }
    assert_eq!(Choice::from_token("ssl3"), None);
}

#[test]
fn the_example_of_the_documentation_reads() {
    let docs = include_str!("../mod.rs");
    let example: String = docs
        .lines()
        .skip_while(|l| !l.starts_with("//! ```toml"))
        .skip(1)
        .take_while(|l| !l.starts_with("//! ```"))
        .map(|l| format!("{}\n", l.trim_start_matches("//!")))
        .collect();
    let c = Catalogue::embedded().with_overrides(&example).unwrap();
    let row = c.find(Direction::Inbound, "ServerTlsProtocols").unwrap();
    assert_eq!(
        (row.name_sure, row.source.as_str()),
        (Certainty::Given, "our ticket 4711")
    );
}
