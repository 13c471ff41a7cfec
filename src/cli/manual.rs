//! The man page and the completions, made from the definitions that read the command line, so that they cannot differ.

use std::io;

use clap::{ArgAction, Command, CommandFactory as _};
use clap_complete::shells;
use clap_mangen::Man;

use super::args::{Arguments, Shell};
use super::failure::Failure;

/// What the definitions do not say, for the end of the page.
const END: &str = r#".SH EXAMPLES
.TP
kerio\-tls \-\-demo
look at everything without a mail server
.TP
kerio\-tls peers \-\-min tls1.2
who would be cut off by TLS 1.2, and how that is known
.TP
kerio\-tls set \-\-inbound tls1.2 \-\-outbound tls1.2 \-\-dry\-run
what would be changed, and for whom; nothing is written
.TP
kerio\-tls set \-\-outbound tls1.2 \-\-yes \-\-engine restart \-\-undo\-after 10m
save, stop and start the engine for it, and take it back after ten minutes unless \fBkerio\-tls confirm\fR is said
.TP
kerio\-tls set \-\-value inbound:ciphers=\(aqHIGH:!aNULL\(aq \-\-dry\-run
the same for one variable: here the cipher string
.TP
kerio\-tls check \-\-min tls1.2 \-\-live \-\-json
for monitoring: status 3 when the file, or a port of the engine, is below TLS 1.2
.TP
kerio\-tls restore
take the newest save back, and keep whatever else was changed since
.SH "EXIT STATUS"
.TP
0
done, or nothing to do
.TP
1
failed; standard error says what is on disk
.TP
2
wrong usage
.TP
3
check: short of the minimum
.TP
4
refused: peers would be cut off, the file changed in conflict, the engine runs
.SH FILES
.TP
\fI/opt/kerio/mailserver/mailserver.cfg\fR
the configuration file, unless \fB\-f\fR names another
.TP
\fI/etc/kerio\-tls/kerio\-tls.toml\fR
preferences; only believed if they belong to root and nobody else can write them. For other users they lie in their
configuration directory.
.TP
\fI/etc/kerio\-tls/peers.csv\fR
the peers file
.TP
\fI/var/lib/kerio\-tls\fR
backups, journal and audit, for root only; for other users they lie in their state directory
"#;

/// The man page in roff: the screen's arguments, then each command in a section of its own.
///
/// # Errors
/// [`Failure::Output`], never in practice: it is written into memory.
pub(super) fn man_page() -> Result<String, Failure> {
    let mut page = Vec::new();
    render(&mut page).map_err(unprintable)?;
    String::from_utf8(page).map_err(|error| unprintable(io::Error::other(error)))
}

fn render(page: &mut Vec<u8>) -> io::Result<()> {
    let whole = Man::new(Arguments::command()).title("KERIO-TLS").section("8");
    whole.render_title(page)?;
    whole.render_name_section(page)?;
    page.extend_from_slice(b".SH SYNOPSIS\n");
    page.extend_from_slice(synopsis(&Arguments::command(), "kerio-tls").as_bytes());
    whole.render_description_section(page)?;
    whole.render_options_section(page)?;
    page.extend_from_slice(b".SH COMMANDS\n");
    for command in Arguments::command()
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
    {
        let name = format!("kerio-tls {}", command.get_name());
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        page.extend_from_slice(format!(".SS \"{}\"\n{about}.\n", name.replace('-', "\\-")).as_bytes());
        page.extend_from_slice(format!(".PP\n{}", synopsis(command, &name)).as_bytes());
        let command = Man::new(command.clone().bin_name(name).disable_help_flag(true));
        let mut part = Vec::new();
        command.render_options_section(&mut part)?;
        // Their headings are ours already.
        for line in part.split_inclusive(|byte| *byte == b'\n') {
            if line.starts_with(b".SH") {
                page.extend_from_slice(b".PP\n");
            } else {
                page.extend_from_slice(line);
            }
        }
    }
    page.extend_from_slice(END.as_bytes());
    whole.render_version_section(page)
}

/// A command with its arguments and the names of their values, in roff.
fn synopsis(command: &Command, name: &str) -> String {
    let mut words = vec![format!("\\fB{}\\fR", escaped(name))];
    for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
        let mut value = argument
            .get_value_names()
            .filter(|_| argument.get_action().takes_values())
            .map(|names| {
                names
                    .iter()
                    .map(|name| format!("\\fI{}\\fR", escaped(name)))
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .unwrap_or_default();
        let many = matches!(argument.get_action(), ArgAction::Append);
        if many && argument.is_positional() {
            value.push_str(" ...");
        }
        let word = match (argument.get_short(), argument.get_long()) {
            (Some(short), _) => format!("\\fB\\-{short}\\fR {value}"),
            (None, Some(long)) => format!("\\fB\\-\\-{}\\fR {value}", escaped(long)),
            (None, None) => value,
        };
        let word = word.trim_end();
        words.push(match (argument.is_required_set(), many && !argument.is_positional()) {
            (true, _) => word.to_owned(),
            (false, false) => format!("[{word}]"),
            (false, true) => format!("[{word}] ..."),
        });
    }
    if command.has_subcommands() {
        words.push("[\\fICOMMAND\\fR ...]".to_owned());
    }
    words.join(" ") + "\n"
}

fn escaped(text: &str) -> String {
    text.replace('-', "\\-")
}

/// Completions for a shell.
///
/// # Errors
/// As [`man_page`].
pub(super) fn completions(shell: Shell) -> Result<String, Failure> {
    let (mut command, mut script) = (Arguments::command(), Vec::new());
    let name = "kerio-tls";
    match shell {
        Shell::Bash => clap_complete::generate(shells::Bash, &mut command, name, &mut script),
        Shell::Zsh => clap_complete::generate(shells::Zsh, &mut command, name, &mut script),
        Shell::Fish => clap_complete::generate(shells::Fish, &mut command, name, &mut script),
    }
    String::from_utf8(script).map_err(|error| unprintable(io::Error::other(error)))
}

fn unprintable(error: io::Error) -> Failure {
    Failure::Output {
        error,
        on_disk: "nothing was changed".to_owned(),
    }
}
