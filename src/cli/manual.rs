//! The man page and the completions, made from the definitions that read the command line, so that they cannot differ.

use std::io;

use clap::CommandFactory as _;
use clap_complete::shells;
use clap_mangen::Man;

use super::args::{Arguments, Shell};
use super::failure::Failure;

/// What the definitions do not say, for the end of the page.
const END: &str = r#".SH "EXIT STATUS"
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
    whole.render_synopsis_section(page)?;
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
        let command = Man::new(command.clone().bin_name(name).disable_help_flag(true));
        let mut part = Vec::new();
        command.render_synopsis_section(&mut part)?;
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
