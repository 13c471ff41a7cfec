import java.io.FileInputStream;
import java.net.InetAddress;
import java.security.KeyStore;
import javax.net.ssl.*;

/** A server with SSL 3.0 and nothing else: `java Ssl3Server.java PORT KEYSTORE`. */
public class Ssl3Server {
    public static void main(String[] args) throws Exception {
        char[] password = "example".toCharArray();
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(new FileInputStream(args[1]), password);
        KeyManagerFactory keys = KeyManagerFactory.getInstance("SunX509");
        keys.init(store, password);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        SSLServerSocket server = (SSLServerSocket) context.getServerSocketFactory()
            .createServerSocket(Integer.parseInt(args[0]), 8, InetAddress.getLoopbackAddress());
        server.setEnabledProtocols(new String[] {"SSLv3"});
        while (true) {
            try (SSLSocket client = (SSLSocket) server.accept()) {
                client.startHandshake();
            } catch (java.io.IOException left) {
                System.err.println(left);
            }
        }
    }
}
