/* A server of Mbed TLS on 127.0.0.1: PORT MINIMUM MAXIMUM (1 to 3: TLS 1.0 to 1.2) [SUITE...]. */
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <stdlib.h>

int main(int count, char **words) {
    static int suites[64];
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_x509_crt certificate;
    mbedtls_pk_context key;
    mbedtls_ssl_config config;
    mbedtls_net_context listener;
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_x509_crt_init(&certificate);
    mbedtls_pk_init(&key);
    mbedtls_ssl_config_init(&config);
    mbedtls_net_init(&listener);
    if (mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0) ||
        mbedtls_x509_crt_parse_file(&certificate, "cert.pem") || mbedtls_pk_parse_keyfile(&key, "key.pem", NULL) ||
        mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM, 0))
        return 3;
    mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random);
    mbedtls_ssl_conf_min_version(&config, 3, atoi(words[2]));
    mbedtls_ssl_conf_max_version(&config, 3, atoi(words[3]));
    for (int i = 4; i < count && i < 60; i++)
        if (!(suites[i - 4] = mbedtls_ssl_get_ciphersuite_id(words[i])))
            return 6;
    if (count > 4)
        mbedtls_ssl_conf_ciphersuites(&config, suites);
    if (mbedtls_ssl_conf_own_cert(&config, &certificate, &key) ||
        mbedtls_net_bind(&listener, "127.0.0.1", words[1], MBEDTLS_NET_PROTO_TCP))
        return 4;
    for (;;) {
        mbedtls_net_context peer;
        mbedtls_ssl_context session;
        mbedtls_net_init(&peer);
        mbedtls_ssl_init(&session);
        if (mbedtls_net_accept(&listener, &peer, NULL, 0, NULL) || mbedtls_ssl_setup(&session, &config))
            return 5;
        mbedtls_ssl_set_bio(&session, &peer, mbedtls_net_send, mbedtls_net_recv, NULL);
        mbedtls_ssl_handshake(&session);
        mbedtls_ssl_free(&session);
        mbedtls_net_free(&peer);
    }
}
