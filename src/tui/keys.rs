//! The one table of keys: what each does where, and what footer and help say of it. A hint cannot be wrong,
//! because a key that stands in no row of the present place does nothing.

use super::key::Key;

/// What a key can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Next field.
    Next,
    /// Previous field.
    Previous,
    /// One up.
    Up,
    /// One down.
    Down,
    /// Previous tab, or the button to the left.
    Left,
    /// Next tab, or the button to the right.
    Right,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// First.
    First,
    /// Last.
    Last,
    /// Open, choose, press.
    Activate,
    /// Tick or untick.
    Toggle,
    /// Back, close; never throws anything away.
    Back,
    /// Back to the value loaded.
    Revert,
    /// Delete the variable: the server's default.
    Delete,
    /// Delete all custom TLS variables.
    Reset,
    /// Undo.
    Undo,
    /// Redo.
    Redo,
    /// Review and save.
    Review,
    /// Read logs and engine state again.
    Refresh,
    /// Take the changes of a backup back.
    BringBack,
    /// Put a backup's whole file in place.
    WholeFile,
    /// Keep a save that would undo itself.
    Confirm,
    /// Ask peers for their highest version.
    Probe,
    /// Ask the server's own ports.
    Prove,
    /// Stop what runs.
    Cancel,
    /// Help on the focused field.
    Help,
    /// Quit.
    Quit,
    /// To the shell, and back with `fg`.
    Suspend,
    /// Paint all again.
    Repaint,
    /// Find a variable.
    Find,
    /// The names of variables.
    Names,
    /// Learn a name from the web administration.
    Learn,
    /// Take the character before the cursor out.
    Backspace,
    /// Empty the field.
    Clear,
}

/// Every command's keys: the first is the one that hints show.
const KEYS: &[(Command, &[Key])] = &[
    (Command::Next, &[Key::Tab]),
    (Command::Previous, &[Key::BackTab]),
    (Command::Up, &[Key::Up, Key::Char('k')]),
    (Command::Down, &[Key::Down, Key::Char('j')]),
    (Command::Left, &[Key::Left, Key::Char('h')]),
    (Command::Right, &[Key::Right, Key::Char('l')]),
    (Command::PageUp, &[Key::PageUp, Key::Ctrl('b')]),
    (Command::PageDown, &[Key::PageDown, Key::Ctrl('f')]),
    (Command::First, &[Key::Home, Key::Char('g')]),
    (Command::Last, &[Key::End, Key::Char('G')]),
    (Command::Activate, &[Key::Enter]),
    (Command::Toggle, &[Key::Char(' ')]),
    (Command::Back, &[Key::Esc]),
    (Command::Revert, &[Key::Char('r')]),
    (Command::Delete, &[Key::Char('d'), Key::Delete]),
    (Command::Reset, &[Key::Char('X')]),
    (Command::Undo, &[Key::Char('u')]),
    (Command::Redo, &[Key::Ctrl('r')]),
    (Command::Review, &[Key::F(6), Key::Char('s')]),
    (Command::Refresh, &[Key::F(5), Key::Char('e')]),
    (Command::BringBack, &[Key::Char('b')]),
    (Command::WholeFile, &[Key::Char('W')]),
    (Command::Confirm, &[Key::Char('y')]),
    (Command::Probe, &[Key::Char('p')]),
    (Command::Prove, &[Key::Char('v')]),
    (Command::Cancel, &[Key::Char('c')]),
    (Command::Help, &[Key::F(1), Key::Char('?')]),
    (Command::Quit, &[Key::F(10), Key::Char('q'), Key::Ctrl('c')]),
    (Command::Suspend, &[Key::Ctrl('z')]),
    (Command::Repaint, &[Key::Ctrl('l')]),
    (Command::Find, &[Key::Char('/')]),
    (Command::Names, &[Key::Char('n')]),
    (Command::Learn, &[Key::Char('w')]),
    (Command::Backspace, &[Key::Backspace]),
    (Command::Clear, &[Key::Ctrl('u')]),
];

impl Command {
    /// The keys that do it.
    #[must_use]
    pub fn keys(self) -> &'static [Key] {
        KEYS.iter()
            .find(|(command, _)| *command == self)
            .map_or(&[], |(_, keys)| keys)
    }

    /// Moves the focus or the text, explains, or goes back: nothing is decided by it.
    #[must_use]
    pub const fn is_harmless(self) -> bool {
        matches!(
            self,
            Self::Next
                | Self::Previous
                | Self::Up
                | Self::Down
                | Self::Left
                | Self::Right
                | Self::PageUp
                | Self::PageDown
                | Self::First
                | Self::Last
                | Self::Back
                | Self::Help
                | Self::Repaint
        )
    }

    /// The key that a hint shows.
    #[must_use]
    pub fn key_label(self) -> String {
        self.keys().first().map_or_else(String::new, |key| key.label())
    }
}

/// Where the user is; decides which rows of the table hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// TLS Options, on a drop-down field.
    Field,
    /// TLS Options, on the check box.
    CheckBox,
    /// TLS Options, on the panel of peers.
    Panel,
    /// An open drop-down.
    DropDown,
    /// Inbound or Outbound: the list of variables.
    Variables,
    /// The list of peers.
    Peers,
    /// The list of backups.
    Backups,
    /// A text over the screen: help, a message, a peer's detail.
    Reader,
    /// The review.
    Review,
    /// A question with buttons.
    Question,
    /// A save that runs.
    Saving,
    /// An editor, on a box, a value or a preset.
    Editor,
    /// An editor, where text is typed.
    TextField,
    /// The search, where text is typed.
    Find,
    /// The names of variables, role by role.
    Names,
    /// A name for a role, where text is typed.
    NameField,
}

impl Place {
    /// Where a yes is given: consent boxes, Save, the buttons of a question.
    #[must_use]
    pub const fn decides(self) -> bool {
        matches!(self, Self::Review | Self::Question)
    }

    /// Where text is typed, characters are text: no key that is one does anything else there.
    #[must_use]
    pub const fn takes_text(self) -> bool {
        matches!(self, Self::TextField | Self::Find | Self::NameField)
    }

    /// A command's keys here: where text is typed, those that are no characters.
    pub fn keys_of(self, command: Command) -> impl Iterator<Item = Key> {
        let keys = command.keys().iter().copied();
        keys.filter(move |key| !(self.takes_text() && matches!(key, Key::Char(_))))
    }
}

/// How long a hint stays where the footer is too narrow for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Goes first, from the right.
    Handy,
    /// The job cannot be done without it: the deed on the focused field, the way to the file, the way out, help.
    Needed,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// What it does.
    pub command: Command,
    /// Where it holds.
    pub places: &'static [Place],
    /// A word or two for the footer; empty: not in the footer.
    pub hint: &'static str,
    /// The same for a footer that is too narrow for all.
    pub short: &'static str,
    /// How long the hint stays where the footer is too narrow for all.
    pub weight: Weight,
    /// A sentence for the help.
    pub help: &'static str,
}

const fn row(command: Command, places: &'static [Place], hint: &'static str, help: &'static str) -> Binding {
    let weight = match command {
        Command::Activate | Command::Review | Command::Back | Command::Help => Weight::Needed,
        _ => Weight::Handy,
    };
    let short = match command {
        Command::Review if !hint.is_empty() => "review",
        _ => hint,
    };
    Binding {
        command,
        places,
        hint,
        short,
        weight,
        help,
    }
}

use Command::{
    Activate, Back, Backspace, BringBack, Cancel, Clear, Confirm, Delete, Down, First, Help, Last, Left, Next,
    PageDown, PageUp, Previous, Probe, Prove, Quit, Redo, Refresh, Repaint, Reset, Revert, Right, Suspend, Toggle,
    Undo, Up, WholeFile,
};
use Place::{
    Backups, CheckBox, DropDown, Editor, Field, Find, NameField, Names, Panel, Peers, Question, Reader, Review, Saving,
    TextField, Variables,
};

/// Tabs.
const FORM: &[Place] = &[Field, CheckBox, Panel, Variables, Peers, Backups];
const FIELDS: &[Place] = &[Field, CheckBox, Panel];
const LISTS: &[Place] = &[Variables, Peers, Backups];
/// Where one moves by row, by page, to the ends.
const MOVES: &[Place] = &[
    Field, CheckBox, Panel, Variables, Peers, Backups, Reader, Review, Question, Names,
];
const PAGES: &[Place] = &[Panel, Variables, Peers, Backups, Reader, Review, Names];
const ENDS: &[Place] = &[DropDown, Panel, Variables, Peers, Backups, Reader, Review, Names];
/// Windows with editors.
const EDITING: &[Place] = &[Editor, TextField, Find, NameField];
const TYPING: &[Place] = &[TextField, Find, NameField];
/// All but those and a save.
const OPEN: &[Place] = &[
    Field, CheckBox, Panel, DropDown, Variables, Peers, Backups, Reader, Review, Question, Names,
];
/// The same, less where the help itself is.
const HELPED: &[Place] = &[
    Field, CheckBox, Panel, DropDown, Variables, Peers, Backups, Review, Question, Names,
];
const EVERYWHERE: &[Place] = &[
    Field, CheckBox, Panel, DropDown, Variables, Peers, Backups, Reader, Review, Question, Saving, Editor, TextField,
    Find, Names, NameField,
];

/// The table, in the order of footer and help.
#[rustfmt::skip] // One row a key: it is read as a table.
pub const BINDINGS: &[Binding] = &[
    row(Activate, &[Field], "open", "open the drop-down: each row says who would be cut off"),
    row(Activate, &[DropDown], "choose", "choose the row; nothing is written yet"),
    row(Activate, &[CheckBox], "", "tick or untick"),
    row(Activate, &[Variables], "edit", "open the row's editor, or show why it has none"),
    row(Activate, &[Peers, Backups], "details", "show all that is known of the row"),
    row(Activate, &[Review, Question], "press", "press the button that is marked"),
    row(Activate, &[Reader], "", "close"),
    row(Toggle, &[CheckBox], "tick", "let a choice count for both directions"),
    row(Toggle, &[Review], "tick", "tick the box that is marked"),
    row(Toggle, &[Field], "", "open the drop-down"),
    row(Activate, &[Names], "name it", "pick one of the names that the engine's program holds, or type one"),
    row(Command::Learn, &[Names], "learn", "learn the minimum's name: change it in the web administration, and see what changes"),
    row(Activate, &[NameField], "take it", "take the marked name, or what was typed, after a question"),
    row(Back, &[DropDown, Reader, Review, Question, Names], "back", "back; nothing is changed or thrown away"),
    row(Up, &[DropDown], "", "one row up; the panel follows"),
    row(Down, &[DropDown], "", "one row down; the panel follows"),
    row(Up, MOVES, "", "up"),
    row(Down, MOVES, "", "down"),
    row(PageUp, PAGES, "", "one page up"),
    row(PageDown, PAGES, "", "one page down"),
    row(First, ENDS, "", "first"),
    row(Last, ENDS, "", "last"),
    row(Left, FORM, "", "previous tab"),
    row(Right, FORM, "", "next tab"),
    row(Left, &[Review, Question], "", "previous button"),
    row(Right, &[Review, Question], "", "next button"),
    row(Next, FIELDS, "", "next field"),
    row(Previous, FIELDS, "", "previous field"),
    row(Next, LISTS, "", "next tab"),
    row(Previous, LISTS, "", "previous tab"),
    row(Next, &[Review, Question], "", "next button or box"),
    row(Previous, &[Review, Question], "", "previous button or box"),
    row(Revert, &[Field], "revert", "back to the minimum that was loaded"),
    row(Revert, &[Variables], "revert", "back to the value that was loaded"),
    row(Delete, &[Variables], "default", "delete the variable: the server's default holds"),
    row(Probe, &[Field, CheckBox, Panel, Peers], "probe",
        "ask peers for their highest TLS version; first says whom, and what their logs will show"),
    row(Prove, FORM, "", "ask this server's own ports which versions they accept now, and compare"),
    row(BringBack, &[Backups], "take back",
        "take the changes of that save back: they become edits, to be reviewed and saved"),
    row(WholeFile, &[Backups], "whole file",
        "put the whole file of that backup in place, after a review that lists what else is lost"),
    row(Confirm, FORM, "", "keep the last save, if it would undo itself"),
    row(Undo, FORM, "undo", "undo the last change"),
    row(Redo, FORM, "", "redo what was undone"),
    row(Reset, FORM, "", "reset: delete the custom TLS variables, after asking which"),
    row(Command::Review, FORM, "review and save", "show everything that would be written, then ask"),
    row(Command::Names, &[Variables], "names", "the names of variables: how sure each is, and which others the engine's program holds"),
    row(Command::Find, FORM, "find", "find a variable of either table by name, meaning or value"),
    row(Refresh, FORM, "", "read the logs, the peers file and the engine's state again"),
    row(Cancel, FORM, "", "stop reading the logs; what was read is kept"),
    row(Cancel, &[Saving], "give up", "give up the save, as long as nothing was written"),
    row(Quit, OPEN, "", "quit; asks when there are changes"),
    row(Suspend, OPEN, "", "to the shell; come back with fg"),
    row(Quit, &[Saving], "", "says what is waited for: first the save comes to its end"),
    row(Suspend, &[Saving], "", "says what is waited for: first the save comes to its end"),
    row(Repaint, EVERYWHERE, "", "paint the screen again"),
    row(Help, HELPED, "help", "this help"),
    // Editors and the search. Order within a place is what counts.
    row(Activate, &[Editor, TextField], "apply",
        "apply what is shown, or fill a preset in; nothing is written to the file yet"),
    row(Activate, &[Find], "go there", "go to the marked row in its list"),
    row(Toggle, &[Editor], "tick", "tick or untick, or fill a preset in; what follows is said below"),
    row(Back, &[NameField], "back", "back without change"),
    row(Back, &[Editor, TextField, Find], "back", "back without change; what was typed is kept for the next time"),
    row(Next, &[TextField], "presets", "to the suggestions, the presets and the server's default"),
    row(Next, &[Editor], "", "next box, value or preset"),
    row(Previous, &[Editor, TextField], "", "previous box, value or preset"),
    row(Up, EDITING, "", "one up"),
    row(Down, EDITING, "", "one down"),
    row(First, &[Editor], "", "first"),
    row(Last, &[Editor], "", "last"),
    row(Left, TYPING, "", "one character to the left"),
    row(Right, TYPING, "", "one character to the right"),
    row(First, TYPING, "", "to the beginning of the text"),
    row(Last, TYPING, "", "to the end of the text"),
    row(Backspace, TYPING, "", "delete the character before the cursor"),
    row(Delete, TYPING, "", "delete the character under the cursor"),
    row(Clear, TYPING, "", "empty the field"),
    row(PageUp, EDITING, "", "the text below one page up"),
    row(PageDown, EDITING, "", "the text below one page down"),
    row(Quit, EDITING, "", "quit; asks when there are changes"),
    row(Suspend, EDITING, "", "to the shell; come back with fg"),
    row(Help, EDITING, "help", "this help, and all that is known of the field"),
];

/// What a key does at a place, if anything.
#[must_use]
pub fn command_at(place: Place, key: Key) -> Option<Command> {
    BINDINGS
        .iter()
        .find(|binding| binding.places.contains(&place) && place.keys_of(binding.command).any(|bound| bound == key))
        .map(|binding| binding.command)
}

/// The rows that hold at a place.
pub fn bindings_at(place: Place) -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().filter(move |binding| binding.places.contains(&place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_has_two_meanings_at_one_place() {
        for place in EVERYWHERE {
            let mut seen: Vec<(Key, Command)> = Vec::new();
            for binding in bindings_at(*place) {
                for key in place.keys_of(binding.command) {
                    if let Some((_, other)) = seen.iter().find(|(k, _)| *k == key) {
                        assert_eq!(*other, binding.command, "{key:?} at {place:?}");
                    }
                    seen.push((key, binding.command));
                }
            }
        }
    }

    #[test]
    fn no_digit_and_no_bracket_is_bound_because_torn_sequences_hold_them() {
        for (command, keys) in KEYS {
            for key in *keys {
                assert!(
                    !matches!(key, Key::Char('0'..='9' | '[' | 'O' | '~' | ';')),
                    "{command:?}"
                );
            }
        }
    }

    #[test]
    fn where_text_is_typed_no_character_is_a_command_and_every_row_keeps_a_key() {
        for place in EVERYWHERE.iter().filter(|place| place.takes_text()) {
            for binding in bindings_at(*place) {
                assert!(
                    place.keys_of(binding.command).next().is_some(),
                    "{:?} at {place:?} has no key left",
                    binding.command
                );
            }
            for character in ' '..='~' {
                assert_eq!(command_at(*place, Key::Char(character)), None, "{character:?}");
            }
        }
    }

    #[test]
    fn every_command_has_a_key_and_a_place() {
        for (command, keys) in KEYS {
            assert!(!keys.is_empty());
            assert!(
                BINDINGS.iter().any(|b| b.command == *command),
                "{command:?} is bound nowhere"
            );
        }
        for binding in BINDINGS {
            assert!(!binding.command.keys().is_empty(), "{:?} has no key", binding.command);
        }
    }
}
