#pragma once
#include <curl/curl.h>

// curl_easy_setopt, curl_easy_getinfo and curl_multi_setopt are variadic, which Swift cannot call, and a wrong
// argument type there is undefined behaviour. One typed function for each kind of argument keeps that out of Swift.

typedef size_t (*ccurl_data_callback)(char *buffer, size_t size, size_t count, void *context);

static inline CURLcode ccurl_easy_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

/// libcurl copies the string. (CURLOPT_POSTFIELDS, which it does not copy, is not set through here.)
static inline CURLcode ccurl_easy_set_string(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_easy_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}

/// The list is borrowed: it has to live as long as the handle uses it.
static inline CURLcode ccurl_easy_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(easy, option, value);
}

/// The pointer is borrowed: it has to live as long as the handle uses it.
static inline CURLcode ccurl_easy_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}

/// libcurl copies the bytes.
static inline CURLcode ccurl_easy_set_bytes(CURL *easy, CURLoption option, const void *bytes, size_t count) {
    struct curl_blob blob = {(void *)bytes, count, CURL_BLOB_COPY};
    return curl_easy_setopt(easy, option, &blob);
}

/// libcurl 7.87 and later remember the certificate authorities that they have read for a day, whatever becomes of the
/// files. The option is named by its number, 321: older headers do not have it, and older libraries, which remember
/// nothing, do not know it.
static inline CURLcode ccurl_easy_remember_no_authorities(CURL *easy) {
    CURLcode code = curl_easy_setopt(easy, (CURLoption)(CURLOPTTYPE_LONG + 321), 0L);
    return code == CURLE_UNKNOWN_OPTION ? CURLE_OK : code;
}

/// CURLOPT_READFUNCTION and CURLOPT_WRITEFUNCTION.
static inline CURLcode ccurl_easy_set_data_callback(CURL *easy, CURLoption option, ccurl_data_callback value) {
    return curl_easy_setopt(easy, option, value);
}

/// Called when a socket has been made, before it is connected.
static inline CURLcode ccurl_easy_set_socket_opened(CURL *easy, curl_sockopt_callback value) {
    return curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, value);
}

/// Called in place of close(2).
static inline CURLcode ccurl_easy_set_socket_closed(CURL *easy, curl_closesocket_callback value) {
    return curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, value);
}

static inline CURLcode ccurl_easy_get_long(CURL *easy, CURLINFO info, long *value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

// Macros with casts or shifts, which Swift does not import.
static const long ccurl_global_all = CURL_GLOBAL_ALL;
static const size_t ccurl_writefunc_pause = CURL_WRITEFUNC_PAUSE;
static const size_t ccurl_readfunc_abort = CURL_READFUNC_ABORT;
static const int ccurl_pause_continue = CURLPAUSE_CONT;
static const size_t ccurl_error_size = CURL_ERROR_SIZE;
// CURLE_TOO_LARGE, which older headers do not have.
static const CURLcode ccurl_too_large = (CURLcode)100;
static const long ccurl_tls_1_2 = CURL_SSLVERSION_TLSv1_2;
static const long ccurl_http_version_1_1 = CURL_HTTP_VERSION_1_1;
// POLLRDHUP, which glibc shows to those who ask for what is Linux's own.
static const short ccurl_poll_peer_closed = 0x2000;
