/* A server of wolfSSL on 127.0.0.1: PORT MINIMUM MAXIMUM (1 to 4: TLS 1.0 to 1.3) [CIPHERS]. */
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **words) {
    int maximum = atoi(words[3]);
    wolfSSL_Init();
    WOLFSSL_METHOD *method = maximum == 4   ? wolfTLSv1_3_server_method()
                             : maximum == 3 ? wolfTLSv1_2_server_method()
                                            : wolfTLSv1_1_server_method();
    if (atoi(words[2]) < maximum)
        method = wolfSSLv23_server_method();
    WOLFSSL_CTX *context = wolfSSL_CTX_new(method);
    if (atoi(words[2]) < maximum) {
        wolfSSL_CTX_SetMinVersion(context, atoi(words[2]));
        wolfSSL_CTX_set_options(context, (maximum < 4 ? WOLFSSL_OP_NO_TLSv1_3 : 0) | (maximum < 3 ? WOLFSSL_OP_NO_TLSv1_2 : 0));
    }
    if (count > 4 && wolfSSL_CTX_set_cipher_list(context, words[4]) != WOLFSSL_SUCCESS)
        return 3;
    if (wolfSSL_CTX_use_certificate_file(context, "cert.pem", WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_use_PrivateKey_file(context, "key.pem", WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS)
        return 4;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(words[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 16))
        return 5;
    for (;;) {
        int peer = accept(listener, NULL, NULL);
        WOLFSSL *session = wolfSSL_new(context);
        wolfSSL_set_fd(session, peer);
        wolfSSL_accept(session);
        wolfSSL_free(session);
        close(peer);
    }
}
