//! TLS stacks and mail servers beside those of `tls_servers`, each set as a row of the table wants. What listens on every address,
//! and what has to be told of users that this machine has not, is started in a network and a mount namespace of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::servers::{Server, run, start};

/// What `.ci/run` prepares beside packages.
fn prepared(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(path);
    assert!(path.exists(), "{} is missing: run .ci/servers", path.display());
    path
}

fn shell(dir: &Path, package: &str, script: &str) {
    let made = run(Command::new("sh").args(["-euc", script]).current_dir(dir), package);
    assert!(
        made.status.success(),
        "{script}: {}. Install {package}",
        String::from_utf8_lossy(&made.stderr)
    );
}

/// Starts what `script` (for `sh`, in the server's directory, with its port as `$PORT`) ends in with `exec`. `key`: what
/// `openssl req -newkey` takes; `files` are written beside it, `@DIR` and `@PORT` replaced.
pub(crate) fn stack(package: &str, key: &str, files: &[(&str, &str)], script: &str) -> Server {
    start(package, 1, |dir, ports| {
        let port = ports[0].to_string();
        if key == "dsa" {
            shell(dir, "openssl", "openssl dsaparam -out dsa.pem 2048");
        }
        let key = if key == "dsa" { "dsa:dsa.pem" } else { key };
        let request = format!(
            "openssl req -x509 -newkey {key} -nodes -days 2 -subj /CN=mx.example.org -keyout key.pem -out cert.pem; \
             openssl pkcs12 -export -in cert.pem -inkey key.pem -name mx -out store.p12 -passout pass:example; \
             cat key.pem cert.pem >both.pem; openssl pkcs8 -topk8 -nocrypt -in key.pem -out key8.pem; chmod 600 *.pem"
        );
        shell(dir, "openssl", &request);
        for (name, text) in files {
            let text = text.replace("@DIR", &dir.display().to_string()).replace("@PORT", &port);
            fs::write(dir.join(name), text).unwrap();
        }
        let mut command = Command::new("sh");
        command.args(["-euc", script]).env("PORT", port).current_dir(dir);
        (command, None)
    })
}

/// RSA, which every stack has.
pub(crate) const RSA: &str = "rsa:2048";

pub(crate) fn nss(options: &str) -> Server {
    let script = format!(
        "mkdir db; certutil -N -d sql:db --empty-password; pk12util -i store.p12 -d sql:db -W example; \
         exec selfserv -d sql:db -n mx -p $PORT {options}"
    );
    stack("libnss3-tools", RSA, &[], &script)
}

pub(crate) fn go(key: &str, words: &str) -> Server {
    let script = format!("GOCACHE=$PWD/cache go build -o server server.go; exec ./server $PORT {words}");
    stack(
        "golang-go",
        key,
        &[("server.go", include_str!("stacks/go_server.go"))],
        &script,
    )
}

pub(crate) fn wolfssl(words: &str) -> Server {
    let script = format!("cc -o server server.c -lwolfssl; exec ./server $PORT {words}");
    let source = include_str!("stacks/wolfssl_server.c");
    stack("libwolfssl-dev gcc", RSA, &[("server.c", source)], &script)
}

pub(crate) fn mbedtls(key: &str, words: &str) -> Server {
    let script = format!("cc -o server server.c -lmbedtls -lmbedx509 -lmbedcrypto; exec ./server $PORT {words}");
    let source = include_str!("stacks/mbedtls_server.c");
    stack("libmbedtls-dev gcc", key, &[("server.c", source)], &script)
}

pub(crate) fn botan(policy: &str) -> Server {
    let script = "exec botan tls_server cert.pem key8.pem --port=$PORT --policy=policy.txt";
    stack("botan", RSA, &[("policy.txt", policy)], script)
}

pub(crate) fn erlang(key: &str, words: &str) -> Server {
    let script = format!("exec escript server.escript $PORT {words}");
    let source = include_str!("stacks/erlang_server.escript");
    stack("erlang-base erlang-ssl", key, &[("server.escript", source)], &script)
}

pub(crate) fn tlslite(words: &str) -> Server {
    let python = prepared("python/bin/python");
    let script = format!("exec {} server.py $PORT {words}", python.display());
    stack(
        "python3-venv",
        RSA,
        &[("server.py", include_str!("stacks/tlslite_server.py"))],
        &script,
    )
}

/// JSSE, or Bouncy Castle in its place; with no algorithm disabled.
pub(crate) fn java(bouncy_castle: bool, key: &str, words: &str) -> Server {
    let jars = ["bctls", "bcprov", "bcutil", "bcpkix"].map(|jar| format!("/usr/share/java/{jar}.jar"));
    let path = if bouncy_castle {
        format!("-cp {}", jars.join(":"))
    } else {
        String::new()
    };
    let script = format!(
        "exec java -XX:TieredStopAtLevel=1 -Djava.security.properties=security {path} JavaServer.java $PORT store.p12 {words}"
    );
    let files = [
        ("JavaServer.java", include_str!("stacks/JavaServer.java")),
        (
            "security",
            "jdk.tls.disabledAlgorithms=\njdk.certpath.disabledAlgorithms=\n",
        ),
    ];
    stack("default-jdk-headless libbctls-java", key, &files, &script)
}

/// nginx as a web server, or as a proxy of a mail protocol.
pub(crate) fn nginx(protocol: &str, versions: &str) -> Server {
    let tls = format!(
        "ssl_certificate @DIR/cert.pem; ssl_certificate_key @DIR/key.pem; ssl_protocols {versions}; \
         ssl_ciphers ALL:@SECLEVEL=0;"
    );
    let block = match protocol {
        "https" => format!("http {{ access_log off; server {{ listen 127.0.0.1:@PORT ssl; {tls} }} }}"),
        _ => format!(
            "mail {{ server_name mx.example.org; auth_http 127.0.0.1:9/; \
             server {{ listen 127.0.0.1:@PORT; protocol {protocol}; starttls on; {tls} }} }}"
        ),
    };
    let conf = format!(
        "load_module /usr/lib/nginx/modules/ngx_mail_module.so;\ndaemon off; master_process off; pid @DIR/pid; \
         error_log stderr; events {{}}\n{block}\n"
    );
    stack(
        "nginx-core libnginx-mod-mail",
        RSA,
        &[("nginx.conf", &conf)],
        "exec nginx -p $PWD -c $PWD/nginx.conf",
    )
}

pub(crate) fn haproxy(options: &str) -> Server {
    let conf = format!(
        "defaults\n  mode tcp\n  timeout client 5s\n  timeout server 5s\n  timeout connect 5s\nfrontend f\n  \
         bind 127.0.0.1:@PORT ssl crt @DIR/both.pem {options}\n  default_backend b\nbackend b\n  server s 127.0.0.1:9\n"
    );
    stack(
        "haproxy",
        RSA,
        &[("haproxy.cfg", &conf)],
        "exec haproxy -db -f haproxy.cfg",
    )
}

pub(crate) fn stunnel(options: &str) -> Server {
    let conf = format!(
        "foreground = yes\npid =\n[x]\naccept = 127.0.0.1:@PORT\nconnect = 127.0.0.1:9\ncert = @DIR/cert.pem\n\
         key = @DIR/key.pem\nsecurityLevel = 0\n{options}\n"
    );
    let secret = ("psk.txt", "someone:0011223344556677889900112233445566778899\n");
    stack(
        "stunnel4",
        RSA,
        &[("stunnel.conf", &conf), secret],
        "exec stunnel stunnel.conf",
    )
}

/// Runs a server that was only unpacked: with its own libraries, and with its users and a full name of the host in files of
/// its own.
fn unpacked(package: &str, files: &[(&str, &str)], script: &str) -> Server {
    let root = prepared("servers");
    let users = ["Debian-exim", "smmta", "smmsp", "courier", "cyrus"];
    let users: String = users
        .iter()
        .map(|user| format!("{user}:x:64123:64123::$PWD:/bin/false\n"))
        .collect();
    let script = format!(
        "root={root}; export LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu\n\
         printf '%b' \"{users}\" | cat /etc/passwd - >passwd; sed 's/:64123::.*/:/' passwd >group; cat /etc/group >>group\n\
         mount --bind passwd /etc/passwd; mount --bind group /etc/group\n\
         hostname mx.example.org; echo 127.0.0.1 mx.example.org localhost >hosts; mount --bind hosts /etc/hosts\n{script}",
        root = root.display(),
        users = users.replace('\n', "\\n"),
    );
    fs::create_dir_all(root.join("run")).unwrap();
    let outer = format!("exec unshare --mount --uts sh -euc '{}'", script.replace('\'', r"'\''"));
    stack(package, RSA, files, &outer)
}

pub(crate) fn exim(priority: &str) -> Server {
    let conf = format!(
        "primary_hostname = mx.example.org\nlocal_interfaces = 127.0.0.1\ndaemon_smtp_ports = @PORT\nspool_directory = @DIR\n\
         log_file_path = @DIR/%slog\npid_file_path = @DIR/pid\nexim_user = root\nexim_group = root\nnever_users =\n\
         tls_advertise_hosts = *\ntls_certificate = @DIR/cert.pem\ntls_privatekey = @DIR/key.pem\n\
         tls_require_ciphers = {priority}\nhost_lookup =\nacl_smtp_rcpt = deny\n"
    );
    unpacked(
        "exim4-daemon-light",
        &[("exim.conf", &conf)],
        "exec $root/usr/sbin/exim4 -C $PWD/exim.conf -bdf",
    )
}

pub(crate) fn sendmail(options: &str) -> Server {
    let mc = format!(
        "include(`cf.m4')dnl\nOSTYPE(`linux')dnl\ndefine(`confPID_FILE',`@DIR/pid')dnl\n\
         define(`confCACERT_PATH',`/mnt')dnl\ndefine(`confCACERT',`/mnt/cert.pem')dnl\n\
         define(`confSERVER_CERT',`/mnt/cert.pem')dnl\ndefine(`confSERVER_KEY',`/mnt/key.pem')dnl\n\
         define(`QUEUE_DIR',`@DIR/mqueue')dnl\nundefine(`ALIAS_FILE')dnl\nFEATURE(`no_default_msa')dnl\n\
         DAEMON_OPTIONS(`Name=MTA, Family=inet, Addr=127.0.0.1, Port=@PORT')dnl\n\
         LOCAL_CONFIG\nO ServerSSLOptions={options}\nO CipherList=ALL:@SECLEVEL=0\n"
    );
    // It takes no key from a directory below one that others can write, such as /tmp.
    let script = "mount --bind $PWD /mnt; mkdir -m 700 mqueue; echo mx.example.org >local-host-names; cf=$root/usr/share/sendmail/cf\n\
         m4 -D_CF_DIR_=$cf/ -I $cf/m4 sendmail.mc | sed \"s,/etc/mail/,$PWD/,g\" >sendmail.cf\n\
         exec $root/usr/libexec/sendmail/sendmail -bD -C $PWD/sendmail.cf";
    unpacked("sendmail-bin m4", &[("sendmail.mc", &mc)], script)
}

/// Courier's IMAP over TLS: the program that all its services hand TLS to.
pub(crate) fn courier(priority: &str) -> Server {
    let script = format!(
        "lib=$root/usr/lib/courier; export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$lib/courier-authlib TLS_CERTFILE=$PWD/both.pem \
         TLS_PRIORITY={priority} TLS_VERIFYPEER=NONE IMAP_CAPABILITY=IMAP4rev1\n\
         exec $root/usr/sbin/couriertcpd -address=127.0.0.1 -nodnslookup -noidentlookup $PORT \
         $root/usr/bin/couriertls -server -tcpd $lib/courier/imaplogin /bin/true /bin/true Maildir"
    );
    unpacked("courier-imap courier-mta", &[], &script)
}

pub(crate) fn cyrus(versions: &str) -> Server {
    let conf = format!(
        "configdirectory: @DIR/conf\npartition-default: @DIR/spool\ncyrus_user: nobody\nservername: mx.example.org\n\
         sasl_pwcheck_method: auxprop\ntls_server_cert: @DIR/cert.pem\ntls_server_key: @DIR/key.pem\n\
         tls_versions: {versions}\ntls_ciphers: ALL:@SECLEVEL=0\ntls_session_timeout: 0\n"
    );
    let root = prepared("servers");
    let services = format!(
        "SERVICES {{\n  imap cmd=\"{}/usr/lib/cyrus/bin/imapd -C @DIR/imapd.conf\" listen=\"127.0.0.1:@PORT\" prefork=0\n}}\n",
        root.display()
    );
    let script = "mkdir -p conf/proc conf/socket conf/db spool; chown -R nobody .; export CYRUS_USER=nobody\n\
         exec $root/usr/lib/cyrus/bin/master -C $PWD/imapd.conf -M $PWD/cyrus.conf -p $PWD/pid";
    unpacked(
        "cyrus-imapd",
        &[("imapd.conf", &conf), ("cyrus.conf", &services)],
        script,
    )
}
