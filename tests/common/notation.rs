//! Keys in a short notation: `<Tab><Enter>jj<C-r><F6>`. Everything outside `<…>` is a character.

use kerio_tls::tui::Key;

/// The keys of a notation.
pub fn keys(notation: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = notation;
    while let Some(c) = rest.chars().next() {
        let named = rest
            .strip_prefix('<')
            .and_then(|inside| inside.split_once('>'))
            .filter(|(name, _)| !name.is_empty());
        if let Some((name, behind)) = named {
            keys.push(named_key(name));
            rest = behind;
        } else {
            keys.push(Key::Char(c));
            rest = &rest[c.len_utf8()..];
        }
    }
    keys
}

fn named_key(name: &str) -> Key {
    match name {
        "Tab" => Key::Tab,
        "S-Tab" => Key::BackTab,
        "Enter" => Key::Enter,
        "Esc" => Key::Esc,
        "Space" => Key::Char(' '),
        "Up" => Key::Up,
        "Down" => Key::Down,
        "Left" => Key::Left,
        "Right" => Key::Right,
        "PgUp" => Key::PageUp,
        "PgDn" => Key::PageDown,
        "Home" => Key::Home,
        "End" => Key::End,
        "Del" => Key::Delete,
        "BS" => Key::Backspace,
        _ => {
            if let Some(letter) = name.strip_prefix("C-") {
                return Key::Ctrl(letter.chars().next().unwrap());
            }
            let number = name.strip_prefix('F').and_then(|n| n.parse().ok());
            Key::F(number.unwrap_or_else(|| panic!("no key is called <{name}>")))
        }
    }
}
