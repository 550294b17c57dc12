#include <openssl/err.h>

#include "base/error.h"
#include "net/core.h"

// HTTP/2 first, as the client offers it; nothing in common: HTTP/1.1 without a word.
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned in_len, void *arg)
{
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

bool tls_is_h2(SSL *ssl)
{
    const unsigned char *name;
    unsigned len;
    SSL_get0_alpn_selected(ssl, &name, &len);
    return len == 2 && memcmp(name, "h2", 2) == 0;
}

SSL_CTX *tls_open(struct ctx *c, const char *certificate, const char *key)
{
    SSL_CTX *t = SSL_CTX_new(TLS_server_method());
    ASSERT(t, "out of memory");
    SSL_CTX_set_min_proto_version(t, TLS1_2_VERSION);
    SSL_CTX_set_options(t, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION | SSL_OP_PRIORITIZE_CHACHA |
                               SSL_OP_NO_TICKET);
    // An idle connection gives its record buffers back; a write may be tried again from another place of memory.
    SSL_CTX_set_mode(t, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(t, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(t, choose_protocol, NULL);
    bool good = SSL_CTX_set_cipher_list(t, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 && SSL_CTX_set1_groups_list(t, "X25519:P-256:P-384") == 1 &&
                SSL_CTX_use_certificate_chain_file(t, certificate) == 1 && SSL_CTX_use_PrivateKey_file(t, key, SSL_FILETYPE_PEM) == 1 &&
                SSL_CTX_check_private_key(t) == 1;
    if (!good) {
        fail(c, ERR_INVALID, "net.tls_files", certificate, key, NULL);
        char text[160];
        ERR_error_string_n(ERR_get_error(), text, sizeof text);
        fail_detail(c, "%s", text);
        ERR_clear_error();
        SSL_CTX_free(t);
        return NULL;
    }
    return t;
}
