//! The servers of the truth table beside Postfix, each set so that it has just the versions a row wants.

use std::fs;
use std::process::Command;

use crate::servers::{Server, start};

/// `openssl s_server` with these arguments. OpenSSL 3 speaks 1.0 and 1.1 only at security level 0.
pub(crate) fn openssl(arguments: &[&str]) -> Server {
    start("openssl", 1, |dir, ports| {
        let mut command = Command::new("openssl");
        command.args([
            "s_server",
            "-accept",
            &format!("127.0.0.1:{}", ports[0]),
            "-www",
            "-cert",
            "cert.pem",
        ]);
        command
            .args(["-key", "key.pem", "-cipher", "ALL:@SECLEVEL=0"])
            .args(arguments)
            .current_dir(dir);
        (command, None)
    })
}

/// `gnutls-serv` with this priority string. It knows no option for the address and listens on all of them: start it
/// only where loopback is the only network.
pub(crate) fn gnutls(priority: &str) -> Server {
    start("gnutls-bin", 1, |dir, ports| {
        let mut command = Command::new("gnutls-serv");
        command.args([
            "-p",
            &ports[0].to_string(),
            "--x509certfile",
            "cert.pem",
            "--x509keyfile",
            "key.pem",
        ]);
        command.args(["--priority", priority]).current_dir(dir);
        (command, None)
    })
}

/// Dovecot with these settings and listeners for imap, pop3, imaps and pop3s, in this order; without TLS the last two
/// are not there.
pub(crate) fn dovecot(tls: bool, settings: &str) -> Server {
    start("dovecot-imapd dovecot-pop3d", if tls { 4 } else { 2 }, |dir, ports| {
        let at = dir.display();
        let port = |place: usize| ports.get(place).copied().unwrap_or(0); // 0: no listener
        let (imap, pop3, imaps, pop3s) = (port(0), port(1), port(2), port(3));
        let ssl = if tls { "yes" } else { "no" };
        let conf = format!(
            "base_dir = {at}/run\nstate_dir = {at}/state\nlog_path = /dev/stderr\nlisten = 127.0.0.1\n\
             protocols = imap pop3\nmail_location = maildir:{at}/mail\nssl = {ssl}\nssl_cert = <{at}/cert.pem\n\
             ssl_key = <{at}/key.pem\nssl_dh =\npassdb {{\n  driver = static\n  args = nopassword=n\n}}\n\
             userdb {{\n  driver = static\n  args = uid=65534 gid=65534 home={at}/mail\n}}\n\
             service imap-login {{\n  inet_listener imap {{\n    port = {imap}\n  }}\n  inet_listener imaps {{\n    \
             port = {imaps}\n    ssl = yes\n  }}\n}}\nservice pop3-login {{\n  inet_listener pop3 {{\n    \
             port = {pop3}\n  }}\n  inet_listener pop3s {{\n    port = {pop3s}\n    ssl = yes\n  }}\n}}\n{settings}\n"
        );
        fs::write(dir.join("dovecot.conf"), conf).unwrap();
        let mut command = Command::new("dovecot");
        command.arg("-F").arg("-c").arg(dir.join("dovecot.conf"));
        // The library's own configuration can hold Dovecot below TLS 1.3, for which it has no setting.
        let openssl = "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = at_most\n[at_most]\nMaxProtocol = TLSv1.2\n";
        fs::write(dir.join("openssl.cnf"), openssl).unwrap();
        command.env("OPENSSL_CONF", dir.join("openssl.cnf"));
        (command, None)
    })
}
