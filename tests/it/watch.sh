# Two network namespaces with a cable between them: servers here, clients in the other. Run by watch.rs in a network, mount and PID
# namespace of its own, in the directory where everything is written; $1 is the program.
set -eu
mount -t tmpfs none /run
mkdir /run/netns
ip link set lo up
ip netns add c
ip link add s0 type veth peer name c0 netns c
for end in '' '-n c'; do
  last=9 card=c0
  [ -n "$end" ] || { last=25 card=s0; }
  ip $end addr add 192.0.2.$last/24 dev $card
  ip $end addr add 2001:db8::$last/64 dev $card nodad
  ip $end link set $card up
done
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=mail.example.org 2>/dev/null
serve() { openssl s_server -cert cert.pem -key key.pem -quiet -cipher ALL:@SECLEVEL=0 "$@" >/dev/null 2>&1 & }
serve -accept 993 -tls1_2
serve -accept 995
serve -accept 443 -tls1_3 -www
serve -accept 465 -tls1
cat >starttls.py <<'PYTHON'
import socket, ssl, threading
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain('cert.pem', 'key.pem')
context.minimum_version = ssl.TLSVersion.TLSv1_2
TALK = {25: ('220 mail.example.org\r\n', 'EHLO', '250-mail\r\n250 STARTTLS\r\n', 'STARTTLS', '220 go\r\n'),
        143: ('* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n', 'CAPABILITY', '* CAPABILITY IMAP4rev1 STARTTLS\r\n. OK\r\n', 'STARTTLS', '. OK go\r\n'),
        110: ('+OK ready\r\n', 'CAPA', '+OK\r\nSTLS\r\n.\r\n', 'STLS', '+OK go\r\n')}
def one(client, port):
    greeting, asks, answer, begins, go = TALK[port]
    client.sendall(greeting.encode())
    lines = client.makefile('rb', buffering=0)
    while line := lines.readline().decode():
        if begins in line:
            client.sendall(go.encode())
            try:
                context.wrap_socket(client, server_side=True).close()
            except (OSError, ssl.SSLError):
                pass
            return
        client.sendall(answer.encode())
for port in TALK:
    server = socket.create_server(('0.0.0.0', port))
    def loop(server=server, port=port):
        while True:
            client, _ = server.accept()
            threading.Thread(target=one, args=(client, port), daemon=True).start()
    threading.Thread(target=loop).start()
PYTHON
python3 starttls.py &
tcpdump --immediate-mode -Z root -q -i any -U -w any.pcap tcp 2>/dev/null & captures=$!
tcpdump --immediate-mode -Z root -q -i s0 -U -w ethernet.pcap tcp 2>/dev/null & captures="$captures $!"
"$1" watch --json >live.json 2>live.err & watches=$!
"$1" --state-dir state watch --keep >keep.txt 2>&1 & watches="$watches $!"
for port in 993 995 443 465 25 143 110; do
  until ip netns exec c bash -c "exec 3<>/dev/tcp/192.0.2.25/$port" 2>/dev/null; do sleep 0.05; done
done
until [ -s any.pcap ] && [ -s ethernet.pcap ] && grep -q Watching live.err && [ -s state-watch/seen.jsonl ]; do sleep 0.05; done
client() { timeout 10 ip netns exec c "$@" </dev/null >/dev/null 2>&1 || true; }
for host in 192.0.2.25 '[2001:db8::25]'; do
  for port in 993 995 443 465; do
    for version in -tls1 -tls1_1 -tls1_2 -tls1_3 -brief; do
      client openssl s_client -connect "$host:$port" $version -cipher ALL:@SECLEVEL=0 &
      wait $!
    done
  done
  client curl -sk "https://$host/"
done
for talk in smtp:25 imap:143 pop3:110; do
  for version in -tls1_1 -tls1_2 -tls1_3; do
    client openssl s_client -connect 192.0.2.25:${talk#*:} -starttls ${talk%:*} $version -cipher ALL:@SECLEVEL=0
  done
done
for port in 993 995 443; do
  client gnutls-cli --insecure -p $port 192.0.2.25
done
sleep 1
kill $captures $watches
wait $captures $watches || true
for way in 'tls.handshake.type==1' 'tls.alert_message.desc==70 or tls.alert_message.desc==40'; do
  tshark -r any.pcap -Y "$way" -T fields -e ip.src -e ipv6.src -e tcp.srcport -e ip.dst -e ipv6.dst -e tcp.dstport \
    -e tls.handshake.version -e tls.handshake.extensions.supported_version -e tls.alert_message.desc 2>/dev/null | sed "s/^/${way%%=*}\t/"
done >tshark.txt
