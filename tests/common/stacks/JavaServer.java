import java.io.FileInputStream;
import java.net.InetAddress;
import java.security.KeyStore;
import java.security.Provider;
import java.security.Security;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

/** A server of JSSE, or of Bouncy Castle where that is on the class path: PORT STORE VERSION,VERSION [SUITE,SUITE]. */
class JavaServer {
    public static void main(String[] words) throws Exception {
        SSLContext context;
        KeyManagerFactory keys;
        try {
            Security.insertProviderAt((Provider) Class.forName("org.bouncycastle.jce.provider.BouncyCastleProvider").getConstructor().newInstance(), 1);
            Security.insertProviderAt((Provider) Class.forName("org.bouncycastle.jsse.provider.BouncyCastleJsseProvider").getConstructor().newInstance(), 2);
            context = SSLContext.getInstance("TLS", "BCJSSE");
            keys = KeyManagerFactory.getInstance("PKIX", "BCJSSE");
        } catch (ClassNotFoundException withoutIt) {
            context = SSLContext.getInstance("TLS");
            keys = KeyManagerFactory.getInstance("SunX509");
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(new FileInputStream(words[1]), "example".toCharArray());
        keys.init(store, "example".toCharArray());
        context.init(keys.getKeyManagers(), null, null);
        InetAddress loopback = InetAddress.getByName("127.0.0.1");
        SSLServerSocket listener = (SSLServerSocket)
            context.getServerSocketFactory().createServerSocket(Integer.parseInt(words[0]), 16, loopback);
        listener.setEnabledProtocols(words[2].split(","));
        if (words.length > 3) {
            listener.setEnabledCipherSuites(words[3].split(","));
        }
        while (true) {
            SSLSocket peer = (SSLSocket) listener.accept();
            new Thread(() -> {
                try (peer) {
                    peer.startHandshake();
                } catch (Exception e) {
                    System.out.println(e);
                }
            }).start();
        }
    }
}
