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

my $stop = 0;
$SIG{TERM} = sub { $stop = 1 unless $conf{ignore_term} };
my $start = time;
my $listener;
print STDERR "stand-in: up\n";
until ($stop) {
    my $age = time - $start;
    if (!$listener && $age >= ($conf{listen_after} // 0)) {
        socket($listener, PF_INET, SOCK_STREAM, 0) && setsockopt($listener, SOL_SOCKET, SO_REUSEADDR, 1)
            && bind($listener, sockaddr_in($conf{port} // 4040, INADDR_ANY)) && listen($listener, 16) or die "its port: $!\n";
    }
    if (defined $conf{die_after} && $age >= $conf{die_after}) { print STDERR "stand-in: dying\n"; exit 1 }
    my $ready = '';
    vec($ready, fileno $listener, 1) = 1 if $listener;
    if (select($ready, undef, undef, 0.1) > 0 && $listener && accept(PEER, $listener)) { close PEER }
}
for (1 .. 10 * ($conf{stop_takes} // 0)) { select undef, undef, undef, 0.1 }
if (defined $conf{on_stop}) {
    my ($from, $to) = split /\|/, $conf{on_stop}, 2;
    $memory =~ s/\Q$from\E/$to/g;
}
put($memory) unless $conf{no_write};
exit 0;
