//! What must hold for any pairs at all, written by whoever.

use proptest::prelude::*;

use super::super::words::WordList;
use super::super::*;
use super::{Plan, applied, made, notes, plan, read, read_both, with_minimum};

const WORDS: [&str; 14] = [
    "SSLv2", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1", "tlsv1.2", "TLSv1.2", "TLSV1.3", "TLSv1.3", "all", "!SSLv3",
    "-TLSv1", "1.2", "TLSv1.4",
];
const GAPS: [&str; 9] = [",", ", ", " ", ";", ":", "+", " + ", "\n  ", ",,"];

/// Values from a clean run to junk.
fn value() -> impl Strategy<Value = String> {
    let words = prop::collection::vec((0..WORDS.len(), 0..GAPS.len()), 0..6);
    prop_oneof![
        4 => words.prop_map(|of| of.iter().map(|(w, g)| format!("{}{}", WORDS[*w], GAPS[*g])).collect::<String>()),
        2 => (2usize..8, 0..GAPS.len()).prop_map(|(from, g)| WORDS[from..9].join(GAPS[g])),
        1 => Just(String::new()),
        1 => any::<String>(),
        1 => "[+,;: TLSv.123!-]{0,30}",
    ]
}

/// Pairs of one direction, each name at most once.
fn table(direction: Direction) -> impl Strategy<Value = Vec<Pair>> {
    let list = match direction {
        Direction::Inbound => "serverTLSprotocols",
        Direction::Outbound => "ClientTlsProtocols",
    };
    let names = Just(vec![list, "MinTlsVersion", "Ciphers", "SslProtos", "Other"]).prop_shuffle();
    (names, prop::collection::vec(prop::option::of(value()), 5)).prop_map(|(names, values)| {
        let both = names.iter().zip(values);
        both.filter_map(|(name, value)| {
            Some(Pair {
                name: (*name).to_owned(),
                value: value?,
            })
        })
        .collect()
    })
}

fn choice() -> impl Strategy<Value = Choice> {
    prop::sample::select(CHOICES.to_vec())
}

proptest! {
    #[test]
    fn a_list_writes_back_byte_for_byte(value in value()) {
        prop_assert_eq!(WordList::parse(&value).to_string(), value);
    }

    #[test]
    fn choose_then_read_gives_the_choice(
        inbound in table(Direction::Inbound), outbound in table(Direction::Outbound),
        choice in choice(), seen in any::<bool>(), named in any::<bool>(), outwards in any::<bool>(),
    ) {
        let c = if named { with_minimum() } else { Catalogue::embedded() };
        let (direction, i) = if outwards { (Direction::Outbound, 1) } else { (Direction::Inbound, 0) };
        let plan = c.choose_in_file(direction, &inbound, &outbound, choice, seen).unwrap();
        let (inbound, outbound) = if outwards {
            (inbound.clone(), applied(&outbound, &plan))
        } else {
            (applied(&inbound, &plan), outbound.clone())
        };
        let after = read_both(&c, &inbound, &outbound)[i].minimum.clone();
        prop_assert!(choice.is_already(&after), "{:?} {:?} {:?}", plan, inbound, outbound);
        // Once true, choosing it again comes to nothing.
        prop_assert_eq!(c.choose_in_file(direction, &inbound, &outbound, choice, seen).unwrap(), Plan::default());
    }

    #[test]
    fn both_directions_chosen_read_as_both_choices_and_a_second_run_changes_nothing(
        inbound in table(Direction::Inbound), outbound in table(Direction::Outbound),
        choices in (choice(), choice()), seen in any::<bool>(), named in any::<bool>(),
    ) {
        let c = if named { with_minimum() } else { Catalogue::embedded() };
        let (choices, loaded) = ([Some(choices.0), Some(choices.1)], [&inbound[..], &outbound[..]]);
        let [edits_in, edits_out] = plan(&c, loaded, loaded, choices, seen).unwrap();
        let (inbound, outbound) = (made(&inbound, &edits_in), made(&outbound, &edits_out));
        for (choice, reading) in choices.into_iter().zip(read_both(&c, &inbound, &outbound)) {
            prop_assert!(choice.unwrap().is_already(&reading.minimum), "{:?} {:?}", inbound, outbound);
        }
        let loaded = [&inbound[..], &outbound[..]];
        prop_assert_eq!(plan(&c, loaded, loaded, choices, seen).unwrap(), [vec![], vec![]]);
    }

    #[test]
    fn a_direction_for_which_nothing_was_chosen_gets_no_edit_and_what_it_reads_as_is_said(
        inbound in table(Direction::Inbound), outbound in table(Direction::Outbound), choice in choice(), seen in any::<bool>(),
    ) {
        let c = with_minimum();
        let loaded = [&inbound[..], &outbound[..]];
        let [edits_in, edits_out] = plan(&c, loaded, loaded, [None, Some(choice)], seen).unwrap();
        prop_assert_eq!(edits_in, []);
        let after = made(&outbound, &edits_out);
        let [before, now] = [&outbound, &after].map(|outbound| read_both(&c, &inbound, outbound)[0].minimum.clone());
        let notes = notes(&c, Direction::Inbound, loaded, [&inbound, &after], seen);
        let said = PlanNote::ReadsOtherwise { table: "Security", to: now.clone() };
        prop_assert_eq!(notes, if before == now { vec![] } else { vec![said] });
    }

    #[test]
    fn choosing_in_one_direction_alone_reads_as_the_choice(
        pairs in table(Direction::Outbound), choice in choice(), seen in any::<bool>(),
    ) {
        let c = with_minimum();
        let plan = c.choose(Direction::Outbound, &pairs, choice, seen).unwrap();
        prop_assert!(choice.is_already(&read(&c, Direction::Outbound, &applied(&pairs, &plan)).minimum));
    }

    #[test]
    fn choosing_what_is_loaded_gives_no_edits(
        inbound in table(Direction::Inbound), outbound in table(Direction::Outbound), seen in any::<bool>(),
    ) {
        let c = with_minimum();
        let readings = read_both(&c, &inbound, &outbound);
        for (direction, reading) in Direction::ALL.into_iter().zip(&readings) {
            for choice in CHOICES.into_iter().filter(|choice| choice.is_already(&reading.minimum)) {
                let plan = c.choose_in_file(direction, &inbound, &outbound, choice, seen).unwrap();
                prop_assert_eq!(plan, Plan::default());
            }
        }
    }

    #[test]
    fn an_edit_touches_only_variables_with_a_role_and_never_empties_one(
        pairs in table(Direction::Inbound), choice in choice(), seen in any::<bool>(),
    ) {
        let c = with_minimum();
        let plan = c.choose(Direction::Inbound, &pairs, choice, seen).unwrap();
        for edit in &plan.edits {
            prop_assert!(c.find(Direction::Inbound, &edit.name).is_some_and(|r| r.role.makes_minimum()));
            prop_assert_eq!(edit.new.is_none(), choice == Choice::Default);
            prop_assert!(edit.new.as_ref().is_none_or(|v| !v.trim().is_empty()));
        }
    }

    #[test]
    fn words_that_stay_keep_spelling_order_and_separator(
        words in prop::sample::subsequence(vec!["TLSv1", "tlsv1.1", "TLSV1.2", "TLSv1.3"], 1..=4).prop_shuffle(),
        gap in prop::sample::select(GAPS[..8].to_vec()), minimum in 0..4usize,
    ) {
        let minimum = TlsVersion::MINIMUMS[minimum];
        let value = words.join(gap);
        let pairs = [Pair { name: "ServerTlsProtocols".to_owned(), value: value.clone() }];
        let plan = Catalogue::embedded().choose(Direction::Inbound, &pairs, Choice::At(minimum), false).unwrap();
        let after = plan.edits.first().and_then(|e| e.new.clone()).unwrap_or(value);
        let list = WordList::parse(&after);
        let kept: Vec<&str> = list.words().map(|(w, _)| w).filter(|w| words.contains(w)).collect();
        let stay: Vec<&str> = words.iter().copied()
            .filter(|w| WordList::parse(w).versions().first().is_some_and(|v| *v >= minimum)).collect();
        prop_assert_eq!(kept, stay, "{}", &after);
        if words.len() > 1 {
            let all: Vec<&str> = list.words().map(|(w, _)| w).collect();
            prop_assert_eq!(all.join(gap), after);
        }
    }

    #[test]
    fn nothing_hostile_reaches_a_sentence(name in any::<String>(), value in any::<String>()) {
        let c = Catalogue::embedded().confirm(Direction::Inbound, &name, Role::ProtocolList);
        if let Minimum::Custom(why) = read(&c, Direction::Inbound, &[Pair { name, value }]).minimum {
            prop_assert!(!why.chars().any(char::is_control) && why.chars().count() < 700, "{}", why);
        }
    }
}
