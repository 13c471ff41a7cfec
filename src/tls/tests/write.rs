//! One variable at a time.

use super::super::*;
use super::adds;
use super::{made, notes, pairs};

use TlsVersion::{Tls11, Tls12, Tls13};

fn edit(name: &str, new: &str) -> PairEdit {
    PairEdit {
        name: name.to_owned(),
        new: Some(new.to_owned()),
    }
}

#[test]
fn check_boxes_write_exactly_what_is_ticked_in_the_lists_own_manner() {
    let c = Catalogue::embedded();
    let set = |value: &str, wanted: &[TlsVersion]| {
        let of = pairs(&[("servertlsprotocols", value)]);
        plan_protocols(Settings::new(&c, [&of, &[]]), Direction::Inbound, wanted).unwrap()
    };
    assert_eq!(
        set("TLSv1.1; TLSv1.2", &[Tls11, Tls13]),
        [edit("servertlsprotocols", "TLSv1.1; TLSv1.3")]
    );
    assert_eq!(set("TLSv1.2 , TLSv1.1", &[Tls12, Tls11]), []);
    assert_eq!(set("all", &[Tls12]), [edit("servertlsprotocols", "TLSv1.2")]);
    let edits = plan_protocols(Settings::new(&c, [&[], &[]]), Direction::Outbound, &[Tls12, Tls13]).unwrap();
    assert_eq!(edits, [edit("ClientTlsProtocols", "TLSv1.2,TLSv1.3")]);
    assert_eq!(
        notes(&c, Direction::Outbound, [&[], &[]], [&[], &made(&[], &edits)], true),
        [adds("ClientTlsProtocols", Certainty::Assumed)]
    );
}

#[test]
fn no_box_ticked_is_refused() {
    let c = Catalogue::embedded();
    for of in [vec![], vec![("ServerTlsProtocols", "TLSv1.2")]] {
        let error = plan_protocols(Settings::new(&c, [&pairs(&of), &[]]), Direction::Inbound, &[]).unwrap_err();
        assert!(error.to_string().contains("might stop TLS altogether"), "{error}");
    }
}

#[test]
fn a_value_is_taken_only_if_its_kind_has_it() {
    let c = Catalogue::embedded().confirm(Direction::Inbound, "Bits", Role::DheKeySize);
    let set = |role, value| plan_value(Settings::new(&c, [&[], &[]]), Direction::Inbound, role, Some(value));
    for (role, good, bad) in [
        (Role::DheOff, "1", "yes"),
        (Role::DheKeySize, "4096", "512"),
        (Role::Ciphers, "ECDHE+AESGCM", "BOGUS"),
        (Role::Ciphers, "HIGH:!aNULL", ""),
        (Role::ProtocolList, "TLSv1.2 TLSv1.3", "TLSv1.2,bogus"),
        (Role::ProtocolList, "TLSv1.2", ","),
    ] {
        assert!(
            matches!(&set(role, good).unwrap()[..], [e] if e.new.as_deref() == Some(good)),
            "{good}"
        );
        assert!(
            matches!(set(role, bad), Err(PlanError::NotAccepted { table: "Security", .. })),
            "{bad}"
        );
    }
    assert_eq!(set(Role::EcdheOn, "1"), Err(PlanError::NoName { table: "Security" }));
}

#[test]
fn deleting_brings_back_the_default_and_what_stands_already_is_no_edit() {
    let c = Catalogue::embedded();
    let of = pairs(&[("SERVERTLSCIPHERS", "HIGH"), ("Other", "HIGH")]);
    let set = |value| plan_value(Settings::new(&c, [&of, &[]]), Direction::Inbound, Role::Ciphers, value).unwrap();
    assert_eq!(
        set(None),
        [PairEdit {
            name: "SERVERTLSCIPHERS".to_owned(),
            new: None
        }]
    );
    assert_eq!(set(Some("HIGH")), []);
    assert_eq!(
        plan_value(Settings::new(&c, [&[], &[]]), Direction::Inbound, Role::EcdheOn, None).unwrap(),
        []
    );
}
