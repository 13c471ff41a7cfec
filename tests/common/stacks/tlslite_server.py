"""A server of tlslite-ng on 127.0.0.1: PORT MINIMUM MAXIMUM (0 to 4: SSL 3.0 to TLS 1.3), then SETTING=VALUE,VALUE."""
import socket
import sys
import threading

from tlslite.api import HandshakeSettings, TLSConnection, X509, X509CertChain, parsePEMKey

settings = HandshakeSettings()
settings.minVersion, settings.maxVersion = (3, int(sys.argv[2])), (3, int(sys.argv[3]))
settings.versions = [v for v in settings.versions if settings.minVersion <= v <= settings.maxVersion]
for word in sys.argv[4:]:
    name, values = word.split("=")
    if not hasattr(settings, name):
        raise SystemExit(f"no setting {name}")
    setattr(settings, name, values.split(","))
certificate, key = X509().parse(open("cert.pem").read()), parsePEMKey(open("key.pem").read(), private=True)
chain = X509CertChain([certificate])
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=16)


def serve(peer):
    try:
        TLSConnection(peer).handshakeServer(certChain=chain, privateKey=key, settings=settings)
    except Exception as error:
        print(type(error).__name__, error, flush=True)
    finally:
        peer.close()


while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
