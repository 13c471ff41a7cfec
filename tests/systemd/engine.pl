# A stand-in for the mail engine, run by a copy of perl that is named `mailserver` (perl-base is on every Debian).
#
# It does what the real one does to its file: reads it when it starts, keeps it in memory, and WRITES IT WHEN IT STOPS.
# `stand-in.conf` beside it, lines of name=value, makes it misbehave:
#   listen_after=S     listens only S seconds after its start (0)
#   die_after=S        ends with status 1, S seconds after its start
#   die_if=TEXT        ends at once with status 1 if its configuration contains TEXT
#   stop_takes=S       takes S seconds to stop after TERM (0)
#   ignore_term=1      does not stop at all
#   on_stop=FROM|TO    replaces the text FROM by TO in what it writes at its stop
#   forget=NAME        drops the variable NAME when it starts, as an engine does that does not know it
#   daemon=1           goes into the background, as from an init script, and writes its process id to /run/kms.pid
#   no_write=1         does not write its file when it stops
#   port=N             listens there instead of on 4040
#   pid_file=PATH      instead of /run/kms.pid
#   tls=NAME           really speaks TLS (libio-socket-ssl-perl): SMTP with STARTTLS on 25, TLS from the start on 465, 993 and
#                      its own port, in the versions that its variable NAME of table Security names when it starts
#   tls_default=WORDS  in these versions where the file has no such variable (TLSv1.2,TLSv1.3)
#   tls_own=PORT=WORDS that port has versions of its own, whatever the file says
#   silent=PORT        that port takes connections and says nothing
use strict;
use warnings;
use Socket;

my ($dir) = $0 =~ m{^(.*)/};
my $file = "$dir/mailserver.cfg";
my %conf;
if (open my $in, '<', "$dir/stand-in.conf") {
    while (<$in>) { chomp; $conf{$1} = $2 if /^(\w+)=(.*)$/ }
}

sub get { open my $in, '<:raw', $file or die "$file: $!\n"; local $/; return scalar <$in> }
# As the real one: the same file, truncated and written again; its owner and mode stay.
sub put { open my $out, '>:raw', $file or die "$file: $!\n"; print $out $_[0]; close $out or die "$file: $!\n" }

my $memory = get();
die "stand-in: I do not like this configuration\n" if defined $conf{die_if} && index($memory, $conf{die_if}) >= 0;

if ($conf{daemon}) {
    my $child = fork // die "fork: $!\n";
    if ($child) {
        # The parent writes it, so that it is there when the start command has ended.
        open my $pid, '>', $conf{pid_file} // '/run/kms.pid' or die "pid file: $!\n";
        print $pid "$child\n";
        exit 0;
    }
    require POSIX; POSIX::setsid();
    open STDIN, '<', '/dev/null'; open STDOUT, '>', '/dev/null'; open STDERR, '>', '/dev/null';
}

if (defined $conf{forget}) {
    $memory =~ s{^[ \t]*<variable name="\Q$conf{forget}\E">[^<]*</variable>\r?\n}{}mg;
    put($memory);
}

# The versions that a port has, as OpenSSL is told.
my %context;
sub context {
    my ($port) = @_;
    return $context{$port} if $context{$port};
    require IO::Socket::SSL; require IO::Socket::SSL::Utils;
    my ($words) = $memory =~ m{<table name="Security">(?:(?!</table>).)*<variable name="\Q$conf{tls}\E">([^<]+)</variable>}s;
    $words //= $conf{tls_default} // 'TLSv1.2,TLSv1.3';
    $words = $1 if ($conf{tls_own} // '') =~ /^$port=(.*)/;
    my %has = map { $_ => 1 } split /[^\w.]+/, $words;
    my ($cert, $key) = $context{pair} ? @{$context{pair}} : IO::Socket::SSL::Utils::CERT_create(subject => { commonName => 'mail.example.org' });
    $context{pair} = [$cert, $key];
    my @without = grep { !$has{$_} } qw(TLSv1 TLSv1.1 TLSv1.2 TLSv1.3);
    return $context{$port} = IO::Socket::SSL::SSL_Context->new(
        SSL_server => 1, SSL_cert => [$cert], SSL_key => $key, SSL_cipher_list => 'ALL:@SECLEVEL=0',
        SSL_version => join(':!', 'SSLv23:!SSLv2:!SSLv3', map { tr/./_/r } @without),
        SSL_create_ctx_callback => sub { Net::SSLeay::CTX_set_min_proto_version($_[0], 0) },
    ) // die "no TLS: " . IO::Socket::SSL::errstr() . "\n";
}

sub handshake {
    my ($peer, $port) = @_;
    IO::Socket::SSL->start_SSL($peer, SSL_server => 1, SSL_reuse_ctx => context($port), Timeout => 3);
}

# As much of SMTP as comes before TLS.
sub smtp {
    my ($peer, $port) = @_;
    syswrite $peer, "220 mail.example.org ESMTP\r\n";
    my $said = '';
    while (sysread $peer, $said, 512, length $said) {
        while ($said =~ s/^(\w*)[^\n]*\n//) {
            my $word = uc $1;
            syswrite $peer, $word eq 'EHLO' ? "250-mail.example.org\r\n250 STARTTLS\r\n" : $word eq 'STARTTLS' ? "220 go ahead\r\n" : "221 bye\r\n";
            return handshake($peer, $port) if $word eq 'STARTTLS';
            return if $word eq 'QUIT';
        }
    }
}

# Without TLS its port speaks HTTP: closing without a word would look like TLS that refuses everything.
sub in_clear {
    my ($peer) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $ready = '';
    vec($ready, fileno $peer, 1) = 1;
    select($ready, undef, undef, 0.5) > 0 && sysread($peer, my $request, 4096) && syswrite $peer, "HTTP/1.0 400 Bad Request\r\n\r\n";
}

sub serve {
    my ($peer, $port) = @_;
    # One after the other: who asks is the program under test, which never asks two at once.
    local $SIG{ALRM} = sub { die "slow\n" };
    local $SIG{PIPE} = 'IGNORE';
    alarm 5;
    eval { $port == 25 ? smtp($peer, $port) : handshake($peer, $port) };
    alarm 0;
}

my $stop = 0;
$SIG{TERM} = sub { $stop = 1 unless $conf{ignore_term} };
my $start = time;
my @ports = ($conf{port} // 4040, defined $conf{tls} ? (25, 465, 993) : ());
defined $conf{tls} and context($_) for @ports;
my (%listener, @silent);
print STDERR "stand-in: up\n";
until ($stop) {
    my $age = time - $start;
    if (!%listener && $age >= ($conf{listen_after} // 0)) {
        for my $port (@ports) {
            my $socket;
            socket($socket, PF_INET, SOCK_STREAM, 0) && setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1)
                && bind($socket, sockaddr_in($port, INADDR_ANY)) && listen($socket, 16) or die "its port $port: $!\n";
            $listener{$port} = $socket;
        }
    }
    if (defined $conf{die_after} && $age >= $conf{die_after}) { print STDERR "stand-in: dying\n"; exit 1 }
    my $ready = '';
    vec($ready, fileno $_, 1) = 1 for values %listener;
    next unless select($ready, undef, undef, 0.1) > 0;
    for my $port (sort keys %listener) {
        next unless vec($ready, fileno $listener{$port}, 1) && accept(my $peer, $listener{$port});
        if ($port == ($conf{silent} // 0)) { push @silent, $peer }
        elsif (defined $conf{tls}) { serve($peer, $port) }
        else { in_clear($peer) }
    }
}
for (1 .. 10 * ($conf{stop_takes} // 0)) { select undef, undef, undef, 0.1 }
if (defined $conf{on_stop}) {
    my ($from, $to) = split /\|/, $conf{on_stop}, 2;
    $memory =~ s/\Q$from\E/$to/g;
}
put($memory) unless $conf{no_write};
exit 0;
